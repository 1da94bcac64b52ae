import type { AnswerSchema } from '../../protocol/schema/answer-schema';
import { defined } from '../../system/defined';
import { checkTemplate } from '../../template/prompt-template';
import { fieldChoice } from '../choice-field';
import { invalidField } from '../invalid-field';
import { fieldNumber } from '../number-field';
import { type RequestSettings, requestSettings } from '../request-settings';
import type { CaptionDialog } from './caption-dialog';
import {
  anchorChoices,
  areChoices,
  captionFields,
  choiceList,
  compareChoices,
  jsonByChoices,
  type PresetName,
  presets,
} from './caption-fields';
import { parseSchemaField } from './schema-field';

/** A field of a JSON answer, and the question that asks for it alone. */
export interface JsonField {
  readonly name: string;
  readonly schema: AnswerSchema;
  /** The schema's `description`, where it has one. */
  readonly question?: string;
}

/** A caption node's kind of answer, read once when the node is deployed. */
export interface CaptionSettings {
  readonly preset: PresetName;
  readonly choices?: readonly string[];
  /** A yes, a no or a choice less probable than this counts as no answer. */
  readonly minConfidence?: number;
  readonly schema?: AnswerSchema;
  /** Of the schema, where each is to be asked for by itself. */
  readonly fields?: readonly JsonField[];
  /** What a frame is compared with: the first one (until another is named), or the one before. */
  readonly anchor: (typeof anchorChoices)[number];
  /** Each frame is described and the words are compared, or the model receives both. */
  readonly compare: (typeof compareChoices)[number];
  readonly request: RequestSettings;
}

/** @throws SmolvlmError `node-property` naming the field; `request-json-schema`; `prompt-mustache` */
export function captionSettings(dialog: CaptionDialog): CaptionSettings {
  if (dialog.fallback) checkTemplate(dialog.fallback, 'fallback');
  if ((dialog.promptType ?? 'template') === 'template') checkTemplate(dialog.prompt ?? '');
  const preset = fieldChoice(dialog.preset, 'preset', presets, 'ask');
  const { choices, minConfidence } = scored(dialog, preset);
  return {
    preset,
    ...defined({ choices }),
    ...defined({ minConfidence }),
    ...(preset === 'json' && jsonSettings(dialog)),
    anchor: fieldChoice(dialog.anchor, 'anchor', anchorChoices, 'first'),
    compare: fieldChoice(dialog.compare, 'compare', compareChoices, 'each'),
    request: requestSettings(dialog),
  };
}

function scored(
  dialog: CaptionDialog,
  preset: PresetName,
): { readonly choices?: readonly string[] | undefined; readonly minConfidence?: number | undefined } {
  // What another preset left in a field that is not shown counts for nothing.
  const choices = preset === 'choose' || !dialog.preset ? choiceList(dialog.choices) : undefined;
  if (choices && !areChoices(choices)) {
    throw invalidField('choices', 'two or more different choices', choices.join(', '));
  }
  if (preset !== 'yes-no' && preset !== 'choose') return { choices };
  return {
    choices,
    minConfidence: fieldNumber(dialog.minConfidence, 'minConfidence', captionFields.minConfidence),
  };
}

function jsonSettings(dialog: CaptionDialog): Pick<CaptionSettings, 'schema' | 'fields'> {
  const { schema, document } = parseSchemaField(dialog.schema ?? '');
  const by = fieldChoice(dialog.jsonBy, 'jsonBy', jsonByChoices, 'fields');
  if (by === 'whole' || !('properties' in schema)) return { schema };
  const { properties: described = {} } = document as {
    readonly properties?: Readonly<Record<string, { description?: unknown }>>;
  };
  const fields = Object.entries(schema.properties).map(([name, each]) => {
    const text = described[name]?.description;
    const question = typeof text === 'string' && text.trim() ? text : undefined;
    return { name, schema: each, ...defined({ question }) };
  });
  return { schema, fields };
}
