import { catalogKey, fieldLabel, type NodeRedTexts } from '../failures/shared-words';

/** A text of a catalog with what is filled in, to be shown in the language of each reader. */
export interface Phrase {
  /** `MODULE/SET:KEY`, as `RED._` takes it. */
  readonly key: string;
  readonly values?: Readonly<Record<string, PhraseValue>>;
}

export type PhraseValue = string | number | Phrase | FieldName;

/** A field of a node's dialog, shown by its label. */
export interface FieldName {
  readonly field: string;
  readonly type: string;
}

/** Names a text of a node's own catalog: `status.idle`. */
export type Phrases = (key: string, values?: Phrase['values']) => Phrase;

/** @param type of the node */
export function phrasesOf(type: string): Phrases {
  return (key, values) => ({ key: catalogKey(type, key), ...(values && { values }) });
}

/** Phrases as one text, in the language of Node-RED or of its editor. */
export function phrasesText(RED: NodeRedTexts, phrases: readonly Phrase[]): string {
  return phrases.map((phrase) => phraseText(RED, phrase)).join(', ');
}

function phraseText(RED: NodeRedTexts, { key, values = {} }: Phrase): string {
  const texts = Object.entries(values).map(([name, value]) => [name, valueText(RED, value)]);
  return RED._(key, Object.fromEntries(texts)).trim();
}

function valueText(RED: NodeRedTexts, value: PhraseValue): string | number {
  if (typeof value !== 'object') return value;
  return 'key' in value ? phraseText(RED, value) : fieldLabel(RED, value.type, value.field);
}
