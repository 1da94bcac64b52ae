/** A phrase's values, as they arrived. */
export type PhraseValues = Readonly<Record<string, unknown>>;

/** How a language writes phrases. */
export interface PhraseWriter {
  /** @returns the text of a key, e.g. `__free__ free of __total__`; undefined for one that the catalog lacks */
  readonly template: (key: string, values: PhraseValues) => string | undefined;
  /** Writes a value that is not a phrase. */
  readonly value: (value: string) => string;
}

/** Deeper than any phrase of this package: an engine elsewhere may send anything. */
const mostLevels = 16;

/**
 * A phrase in words.
 * @param phrase a `DoctorPhrase`, if the engine is of this package
 * @returns undefined for anything else, for a key without a text, and where a value is missing
 */
export function phraseText(phrase: unknown, writer: PhraseWriter, level = 0): string | undefined {
  if (!isObject(phrase) || typeof phrase.key !== 'string' || level === mostLevels) return undefined;
  const values = isObject(phrase.values) ? phrase.values : {};
  const template = writer.template(phrase.key, values);
  const written = new Map<string, string>();
  for (const [, name = ''] of template?.matchAll(/__([a-z]+)__/gi) ?? []) {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    const text = typeof value === 'string' ? writer.value(value) : phraseText(value, writer, level + 1);
    if (text === undefined) return undefined;
    written.set(name, text);
  }
  return template?.replace(/__([a-z]+)__/gi, (_, name: string) => written.get(name) ?? '');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
