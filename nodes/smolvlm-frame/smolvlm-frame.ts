import type { Node, NodeAPI, NodeDef, NodeMessage, NodeMessageInFlow } from 'node-red';
import { ImageChild } from '../../src/client/image-child';
import { FrameGate } from '../../src/frame/frame-gate';
import type { FrameSource, SourceFrame } from '../../src/frame/frame-source';
import { type FrameDialog, frameSettings } from '../../src/node-red/frame/frame-dialog';
import { type ArrivedPicture, FrameIntake, type FrameVerdict } from '../../src/node-red/frame/frame-intake';
import { frameMessage, heldMessage } from '../../src/node-red/frame/frame-message';
import { registerFrameSample } from '../../src/node-red/frame/frame-sample';
import { FrameStatus, longestSilenceMs } from '../../src/node-red/frame/frame-status';
import { openFrameSource } from '../../src/node-red/frame/open-frame-source';
import {
  type SourceLogin,
  type SourceSettings,
  sourceSettings,
} from '../../src/node-red/frame/source-settings';
import { messageCamera } from '../../src/node-red/message-camera';
import { messagePictures } from '../../src/node-red/message-pictures';
import { timeOf } from '../../src/node-red/message-time';
import { NodeFailure } from '../../src/node-red/node-failure';
import type { Translate } from '../../src/node-red/node-status';
import { evaluate } from '../../src/node-red/typed-input';
import { defined } from '../../src/system/defined';

type Message = NodeMessageInFlow & { camera?: unknown; capturedAt?: unknown; reset?: unknown };

/** What comes back with a verdict. */
interface Origin {
  readonly message: NodeMessage;
  readonly name?: string;
  readonly done?: (error?: Error) => void;
}

type OnVerdicts = (picture: ArrivedPicture<Origin>, verdicts: readonly FrameVerdict[]) => void;

interface Opened {
  readonly intake: FrameIntake<Origin>;
  readonly gate: FrameGate;
  readonly status: FrameStatus;
  readonly isMasked: boolean;
  readonly source?: FrameSource;
}

export = (RED: NodeAPI): void => {
  const child = new ImageChild();
  const sample = registerFrameSample(RED, child);

  function SmolvlmFrameNode(this: Node<SourceLogin>, config: NodeDef & FrameDialog): void {
    RED.nodes.createNode(this, config);
    const closing = new AbortController();
    const onVerdicts: OnVerdicts = (picture, verdicts) => {
      const { message, name, done } = picture.tag;
      if (closing.signal.aborted) {
        done?.();
        return;
      }
      let failure: NodeFailure | undefined;
      for (const verdict of verdicts) {
        const copy =
          verdicts.length > 1 ? RED.util.cloneMessage({ ...message, payload: undefined }) : message;
        if ('error' in verdict) {
          failure = new NodeFailure(verdict.error);
          if (!done) this.error(failure, { ...copy, camera: picture.camera } as NodeMessage);
        } else if ('held' in verdict) {
          const held = verdicts.length > 1 ? { ...copy, payload: message.payload } : copy;
          this.send([null, heldMessage(held, picture, verdict.held, verdict.zone)]);
        } else {
          this.send([frameMessage(copy, picture, verdict.frame, { zone: verdict.zone, name }), null]);
        }
        opened.status.verdict(verdict);
      }
      done?.(failure);
    };

    let opened: Opened;
    try {
      opened = open(this, config, onVerdicts);
    } catch (error) {
      const failure = new NodeFailure(error);
      this.status({ fill: 'red', shape: 'ring', text: failure.code });
      this.error(failure);
      this.on('input', (_message, _send, done) => done(failure));
      return;
    }
    const { intake, gate, source, status, isMasked } = opened;

    /** Removes the picture from a message: only the masked one may leave, through an output or a Catch node. */
    const hidePicture = (message: Message, field: { value: string; type: string }): void => {
      if (!isMasked) return;
      message.payload = undefined;
      if (field.type === 'msg') RED.util.setMessageProperty(message, field.value, undefined);
    };
    const take = async (message: Message): Promise<ArrivedPicture<Origin>> => {
      const field = { value: config.image || 'payload', type: config.imageType ?? 'msg' };
      let camera: string;
      let image: unknown;
      try {
        camera = await messageCamera(RED, this, config, message);
        image = await evaluate(RED, this, field, message, 'image');
      } finally {
        hidePicture(message, field);
      }
      const [bytes = new Uint8Array()] = await messagePictures(image, closing.signal);
      const capturedAt = timeOf(message.capturedAt);
      return { camera, bytes, tag: { message }, ...defined({ capturedAt }) };
    };

    this.on('input', (message: Message, _send, done) => {
      if (message.reset) {
        gate.reset(message.camera === undefined ? undefined : String(message.camera));
        done();
      } else if (source) {
        source.take();
        done();
      } else {
        take(message).then(
          (picture) => {
            if (closing.signal.aborted) {
              done();
              return;
            }
            sample.keep(this.id, picture.bytes);
            intake.offer({ ...picture, tag: { message, done } });
          },
          (error: unknown) => {
            const failure = new NodeFailure(error);
            status.failed(failure.code);
            done(failure);
          },
        );
      }
    });
    this.on('close', (removed: boolean, closed: () => void) => {
      closing.abort();
      source?.close();
      status.close();
      // After a restart the dialog still has a picture to draw on.
      if (removed) sample.forget(this.id);
      closed();
    });
  }

  function open(node: Node<SourceLogin>, config: NodeDef & FrameDialog, onVerdicts: OnVerdicts): Opened {
    const { gate: gateSettings, options, zones } = frameSettings(config);
    const settings = sourceSettings(config, node.credentials);
    const gate = new FrameGate(gateSettings);
    const prepare = child.prepare.bind(child);
    const intake = new FrameIntake<Origin>({ gate, prepare, options, zones, onVerdicts });
    const translate: Translate = (key, values) => RED._(`smolvlm-frame.${key}`, values as never);
    const show = node.status.bind(node);
    const silence = defined({ longestSilenceMs: longestSilenceMs(settings) });
    const status = new FrameStatus({ show, translate, ...silence });
    const source = openSource(node, config, settings, intake, status);
    if (source) status.connecting();
    else status.idle();
    return { intake, gate, status, isMasked: options.masks !== undefined, ...defined({ source }) };
  }

  function openSource(
    node: Node,
    config: NodeDef & FrameDialog,
    settings: SourceSettings,
    intake: FrameIntake<Origin>,
    status: FrameStatus,
  ): FrameSource | undefined {
    const camera = fixedCamera(node, config) || config.name || node.id;
    return openFrameSource(settings, {
      onFrame: ({ bytes, capturedAt, name }: SourceFrame) => {
        sample.keep(node.id, bytes);
        status.arrived();
        const message = { _msgid: RED.util.generateId(), topic: camera } as NodeMessage;
        intake.offer({ camera, bytes, capturedAt, tag: { message, ...defined({ name }) } });
      },
      onConnected: () => status.connected(),
      onTrouble: (error) => {
        status.trouble(error.code);
        node.error(new NodeFailure(error), { topic: camera, camera } as unknown as NodeMessage);
      },
    });
  }

  /** The camera of a source, as far as it is known without a message. */
  function fixedCamera(node: Node, { camera = '', cameraType = 'str' }: FrameDialog): string {
    if (cameraType !== 'str' && cameraType !== 'env') return '';
    return String(RED.util.evaluateNodeProperty(camera, cameraType, node, {}) ?? '');
  }

  RED.nodes.registerType('smolvlm-frame', SmolvlmFrameNode as never, {
    credentials: { user: { type: 'text' }, password: { type: 'password' } },
  });
};
