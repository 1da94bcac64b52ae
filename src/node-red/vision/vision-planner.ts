import type { Node, NodeAPI, NodeMessage } from 'node-red';
import type { FeaturesInput } from '../../client/engine-api';
import { defined } from '../../system/defined';
import type { EngineSettings } from '../engine/engine-settings';
import { type CameraField, messageCamera } from '../message-camera';
import { messagePictures, type PictureField, pictureInput } from '../message-pictures';
import {
  deadlineMs,
  type RequestDialog,
  type RequestOverrides,
  type RequestSettings,
  requestOptions,
  requestSettings,
} from '../request-settings';
import { evaluate } from '../typed-input';

/** The dialog of `smolvlm-vision`, as Node-RED hands it over. */
export interface VisionDialog extends PictureField, CameraField, Omit<RequestDialog, 'maxTokens'> {}

/** What a message may say where the dialog's field is blank. */
export interface VisionOverrides extends Omit<RequestOverrides, 'maxTokens'> {
  readonly camera?: unknown;
  readonly topic?: unknown;
}

/** One request, ready to be sent. */
export interface VisionPlan {
  readonly request: FeaturesInput;
  readonly pictures: readonly Uint8Array[];
}

/** Turns messages into plans, as the node's dialog says. */
export class VisionPlanner {
  readonly #RED: NodeAPI;
  readonly #node: Node;
  readonly #dialog: VisionDialog;
  readonly #settings: RequestSettings;
  readonly #defaults: EngineSettings['defaults'];

  /** @throws SmolvlmError `node-property` if a field is out of its limits */
  constructor(RED: NodeAPI, node: Node, dialog: VisionDialog, defaults: EngineSettings['defaults']) {
    this.#RED = RED;
    this.#node = node;
    this.#dialog = dialog;
    this.#settings = requestSettings(dialog);
    this.#defaults = defaults;
  }

  /** @throws SmolvlmError `node-property`, and the `image-…` of reading */
  async prepare(message: NodeMessage & VisionOverrides, signal: AbortSignal): Promise<VisionPlan> {
    const camera = await messageCamera(this.#RED, this.#node, this.#dialog, message);
    const source = await evaluate(this.#RED, this.#node, pictureInput(this.#dialog), message, 'image');
    const { detail, queue, priority, capturedAt } = requestOptions(this.#settings, message);
    const limitMs = deadlineMs(this.#settings, message);
    return {
      request: {
        ...this.#defaults,
        ...defined({ detail, deadlineMs: limitMs, priority, capturedAt, camera: camera || undefined }),
        queue: { ...this.#defaults.queue, ...queue, group: this.#node.id },
      },
      pictures: await messagePictures(source, signal),
    };
  }
}
