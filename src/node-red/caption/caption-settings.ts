import { SmolvlmError } from '../../errors';
import { type AnswerSchema, parseAnswerSchema } from '../../protocol/answer-schema';
import { checkTemplate } from '../../template/prompt-template';
import { choiceList } from '../dialog-fields';
import type { CaptionDialog } from './caption-dialog';

export const presets = ['describe', 'ask', 'yes-no', 'choose', 'count', 'changed', 'json'] as const;
export type PresetName = (typeof presets)[number];

/** A field of a JSON answer, and the question that asks for it alone. */
export interface JsonField {
  readonly name: string;
  readonly schema: AnswerSchema;
  /** The schema's `description`, where it has one. */
  readonly question?: string;
}

/** What kind of answer a caption node wants, read once when it is deployed. */
export interface CaptionSettings {
  readonly preset: PresetName;
  readonly choices?: readonly string[];
  /** A yes, a no or a choice less probable than this counts as no answer. */
  readonly minConfidence?: number;
  readonly schema?: AnswerSchema;
  /** Of the schema, where each is to be asked for by itself. */
  readonly fields?: readonly JsonField[];
  /** What a frame is compared with: the first one (until another is named), or the one before. */
  readonly anchor: 'first' | 'previous';
  /** Each frame is described and the words are compared, or the model sees both. */
  readonly compare: 'each' | 'together';
}

/** @throws SmolvlmError `node-property` naming the field; `request-json-schema`; `prompt-mustache` */
export function captionSettings(dialog: CaptionDialog): CaptionSettings {
  if (dialog.fallback) checkTemplate(dialog.fallback, 'fallback');
  if ((dialog.promptType ?? 'template') === 'template') checkTemplate(dialog.prompt ?? '');
  const preset = presetOf(dialog.preset);
  const { choices, minConfidence } = scored(dialog, preset);
  return {
    preset,
    ...(choices && { choices }),
    ...(minConfidence !== undefined && { minConfidence }),
    ...(preset === 'json' && jsonSettings(dialog)),
    anchor: dialog.anchor === 'previous' ? 'previous' : 'first',
    compare: dialog.compare === 'together' ? 'together' : 'each',
  };
}

function presetOf(value: string | undefined): PresetName {
  if (value === undefined || value === '') return 'ask';
  const preset = presets.find((each) => each === value);
  if (!preset) throw invalid('preset', `one of ${presets.join(', ')}`, value);
  return preset;
}

function scored(
  dialog: CaptionDialog,
  preset: PresetName,
): { readonly choices?: readonly string[] | undefined; readonly minConfidence?: number | undefined } {
  // What another preset left in a field that is not shown counts for nothing.
  const choices = preset === 'choose' || !dialog.preset ? choiceList(dialog.choices) : undefined;
  if (choices && new Set(choices).size !== Math.max(2, choices.length)) {
    throw invalid('choices', 'two or more different choices', choices.join(', '));
  }
  if (preset !== 'yes-no' && preset !== 'choose') return { choices };
  const { minConfidence = '' } = dialog;
  if (String(minConfidence).trim() === '') return { choices };
  const least = Number(minConfidence);
  if (!(least >= 0 && least <= 1)) {
    throw invalid('minConfidence', 'a probability from 0 to 1', String(minConfidence));
  }
  return { choices, minConfidence: least };
}

function jsonSettings(dialog: CaptionDialog): Pick<CaptionSettings, 'schema' | 'fields'> {
  const { schema: text = '' } = dialog;
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    throw invalid('schema', 'a JSON schema, e.g. {"type": "object", "properties": {…}}', text || 'nothing');
  }
  const schema = parseAnswerSchema(raw, 'schema');
  if (dialog.jsonBy === 'whole' || !('properties' in schema)) return { schema };
  const described = (raw as { readonly properties: Readonly<Record<string, { description?: unknown }>> })
    .properties;
  const fields = Object.entries(schema.properties).map(([name, each]) => {
    const question = described[name]?.description;
    return { name, schema: each, ...(typeof question === 'string' && question.trim() && { question }) };
  });
  return { schema, fields };
}

function invalid(field: string, expected: string, received: string): SmolvlmError {
  return new SmolvlmError(
    'node-property',
    `${field}: expected ${expected}, received ${received.slice(0, 100)}`,
    { hint: 'Open the node and correct the field.' },
  );
}
