import { defaultPrompt } from '../../protocol/default-prompt';
import type { NumberField } from '../number-field';

// The dialog of smolvlm-caption, in the form that dialog and runtime share.

export const presets = ['describe', 'ask', 'yes-no', 'choose', 'count', 'changed', 'json'] as const;
export type PresetName = (typeof presets)[number];

/** Fields of a JSON answer are asked for one by one, or the whole object at once. */
export const jsonByChoices = ['fields', 'whole'] as const;

/** What a frame is compared with: the first one (until another is named), or the one before. */
export const anchorChoices = ['first', 'previous'] as const;

/** Each frame is described and the words are compared, or the model gets both pictures. */
export const compareChoices = ['each', 'together'] as const;

export const captionFields = {
  /** A probability. */
  minConfidence: { least: 0, most: 1 },
} as const satisfies Readonly<Record<string, NumberField>>;

/** What is asked when the prompt is blank; English, which small models understand best. */
export const standardQuestions = {
  describe: 'Describe this image in one sentence.',
  /** Several pictures of one message, in order. */
  series: 'These pictures are from one camera, in order. Describe what happens in one sentence.',
  ask: defaultPrompt,
  'yes-no': 'Is there a person?',
  choose: 'Which of these fits the picture?',
  /** What is counted. */
  count: 'people',
  changed: 'Describe this image in one sentence.',
  /** Of both pictures at once. */
  changedTogether: 'The first picture is from before, the second is from now. What changed?',
  json: defaultPrompt,
} as const satisfies Readonly<Record<PresetName | 'series' | 'changedTogether', string>>;

/** Fields that decide what a preset asks and how its answer arrives. */
export interface PresetFields {
  readonly preset: PresetName;
  readonly compare: string;
  readonly jsonBy: string;
}

/** Flows from before there were presets have none: then it is the user's prompt, or the choices given. */
export function presetOf({
  preset,
  choices,
}: {
  readonly preset?: string | undefined;
  readonly choices?: string | undefined;
}): string {
  return preset || (choices?.trim() ? 'choose' : 'ask');
}

/** What is asked when the prompt is blank. */
export function standardQuestion({ preset, compare }: Pick<PresetFields, 'preset' | 'compare'>): string {
  return standardQuestions[preset === 'changed' && compare === 'together' ? 'changedTogether' : preset];
}

/** Whether the answer is text that may be shown while it is generated: a choice or a number arrives all at once. */
export function isStreamable({ preset, compare, jsonBy }: PresetFields): boolean {
  switch (preset) {
    case 'describe':
    case 'ask':
      return true;
    case 'changed':
      return compare === 'together';
    case 'json':
      return jsonBy === 'whole';
    default:
      return false;
  }
}

/** Choices in a list, or in text with commas. @returns undefined if there are none */
export function choiceList(value: unknown): string[] | undefined {
  const list = Array.isArray(value) ? value.map(String) : typeof value === 'string' ? value.split(',') : [];
  const choices = list.map((choice) => choice.trim()).filter((choice) => choice !== '');
  return choices.length === 0 ? undefined : choices;
}

/** Two or more, and no two the same. */
export function areChoices(choices: readonly string[]): boolean {
  return new Set(choices).size === Math.max(2, choices.length);
}

/** A new node's schema. The demo model answers day or night in whole sentences. */
export const exampleSchema = JSON.stringify(
  {
    type: 'object',
    properties: {
      people: { type: 'integer', description: 'How many people are there?' },
      car: { type: 'boolean', description: 'Is there a car?' },
      light: { enum: ['It is day.', 'It is night.'], description: 'Is it day or night?' },
      scene: { type: 'string', description: 'What is happening here?' },
    },
  },
  null,
  2,
);
