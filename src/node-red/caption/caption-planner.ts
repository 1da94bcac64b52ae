import type { Node, NodeAPI, NodeMessage } from 'node-red';
import { SmolvlmError } from '../../errors';
import { defined } from '../../system/defined';
import { fillPrompt, templateView } from '../../template/prompt-template';
import { promptValue } from '../../template/prompt-value';
import { dialogText } from '../dialog-values';
import type { EngineSettings } from '../engine/engine-settings';
import { messageCamera } from '../message-camera';
import { messagePictures, pictureInput } from '../message-pictures';
import { requestOptions } from '../request-settings';
import type { Translate } from '../translate';
import { evaluate } from '../typed-input';
import type { Planner } from './caption-controller';
import type { CaptionDialog, CaptionOverrides } from './caption-dialog';
import { choiceList } from './caption-fields';
import { type CaptionPlan, type HeldPicture, type ParsedMessage, singleRequestPlan } from './caption-plan';
import type { CaptionSettings } from './caption-settings';
import { ChangedPreset } from './changed-preset';
import { type MessagePictures, picturesOf } from './feature-handles';
import { jsonFieldsPlan } from './json-fields-preset';
import {
  askPreset,
  choosePreset,
  countPreset,
  describePreset,
  jsonPreset,
  type Preset,
  yesNoPreset,
} from './presets';

type Message = NodeMessage & CaptionOverrides;

export interface CaptionPlannerOptions {
  readonly RED: NodeAPI;
  readonly node: Node;
  readonly dialog: CaptionDialog;
  readonly settings: CaptionSettings;
  /** Request defaults of the engine node. */
  readonly defaults: EngineSettings['defaults'];
  readonly translate: Translate;
}

/** Turns messages into plans, as the node's dialog says. */
export class CaptionPlanner implements Planner {
  readonly #options: CaptionPlannerOptions;
  readonly #changes: ChangedPreset;

  constructor(options: CaptionPlannerOptions) {
    this.#options = options;
    this.#changes = new ChangedPreset(options.settings, options.translate);
  }

  /** Discards the frames that were kept for comparison. */
  close(): void {
    this.#changes.close();
  }

  /** @throws SmolvlmError `node-property`, `prompt-empty`, `prompt-mustache`, and the `image-…` of reading */
  async prepare(message: Message, camera: string, signal: AbortSignal): Promise<CaptionPlan | HeldPicture> {
    const { RED, node, dialog, defaults } = this.#options;
    const { preset } = this.#options.settings;
    const read = async (): Promise<readonly Uint8Array[]> =>
      messagePictures(await evaluate(RED, node, pictureInput(dialog), message, 'image'), signal);
    const options = requestOptions(this.#options.settings.request, message);
    const parsed = async <Pictures extends MessagePictures>(
      pictures: Pictures,
    ): Promise<ParsedMessage<Pictures>> => ({
      message,
      pictures,
      camera,
      question: await this.#question(message, camera, pictures.length),
      language: dialogText(dialog.language, message.language),
      request: {
        ...defaults,
        ...options,
        // Questions of different nodes about one camera do not replace each other.
        queue: { ...defaults.queue, ...options.queue, group: node.id },
        ...defined({ camera: camera || undefined }),
      },
    });
    // Frames are compared as pictures: an engine does not keep features for long.
    if (preset === 'changed') return this.#changes.plan(await parsed(await read()));
    return this.#plan(await parsed(await picturesOf(message.features, read)));
  }

  /** @throws SmolvlmError `node-property` @returns blank if no camera is named */
  async camera(message: Message): Promise<string> {
    const { RED, node, dialog } = this.#options;
    return await messageCamera(RED, node, dialog, message);
  }

  #plan(parsed: ParsedMessage): CaptionPlan {
    const { fields } = this.#options.settings;
    return fields ? jsonFieldsPlan(parsed, fields) : singleRequestPlan(parsed, this.#preset(parsed));
  }

  #preset({ message, pictures, question, language }: ParsedMessage): Preset {
    const { preset, choices = choiceList(message.choices), minConfidence, schema } = this.#options.settings;
    switch (preset) {
      case 'yes-no':
        return yesNoPreset(question, minConfidence);
      case 'choose':
        return choosePreset(question, choices, minConfidence);
      case 'count':
        return countPreset(question);
      case 'json':
        return jsonPreset(question, language, schema as NonNullable<typeof schema>);
      case 'describe':
        return describePreset(question, language, pictures.length);
      default:
        return askPreset(question, language, choices);
    }
  }

  /** @returns blank for the preset's own question @throws SmolvlmError `prompt-empty` */
  async #question(message: Message, camera: string, frames: number): Promise<string> {
    const { preset, prompt = '', promptType = 'template' } = this.#options.dialog;
    const isTemplate = promptType === 'template';
    const given = isTemplate ? prompt.trim() || promptValue(message.prompt, 'msg.prompt').trim() : prompt;
    const question = isTemplate
      ? fillPrompt(given, templateView(message, camera, frames)).trim()
      : promptValue(await this.#typed(prompt, promptType, message, 'prompt'), 'prompt').trim();
    // Without a preset: a flow from before there were presets, where a blank prompt asks for a description.
    if (question === '' && (given !== '' || preset === 'ask')) throw emptyPrompt(given, promptType);
    return question;
  }

  #typed(value: string, type: string, message: Message, field: string): Promise<unknown> {
    const { RED, node } = this.#options;
    return evaluate(RED, node, { value, type }, message, field);
  }
}

function emptyPrompt(given: string, type: string): SmolvlmError {
  const received = given === '' ? 'none' : `an empty string from ${type} "${given.slice(0, 100)}"`;
  return new SmolvlmError('prompt-empty', `expected a prompt, received ${received}`, {
    hint: 'Enter a question in the dialog, or send the property that contains the prompt.',
  });
}
