import type { ErrorBody } from '../errors';
import { type Trouble, troubleOf } from './trouble';

/** Looks up a text of this room's catalogs: `trouble.refused`. */
export type FailureCatalog = (key: string, values?: Readonly<Record<string, string>>) => string;

/** An error in a person's language. */
export interface FailureWords {
  /** What is wrong. In English the error's own sentence, which names the thing and the value. */
  readonly words: string;
  /** What to do about it. */
  readonly wayOut: string;
  /** The English sentence, where `words` are in another language. */
  readonly sentence?: string;
}

/** Languages of the catalogs besides English, which also stands in for a catalog that is not loaded. */
const translated = ['de', 'fr', 'zh'];

/**
 * Words and way out of an error's kind. In English they are its own sentence and hint, or the way out of its kind if it
 * has none.
 * @param label of a field, as the dialog writes it
 */
export function failureWords(
  error: ErrorBody,
  catalog: FailureCatalog,
  label: (field: string) => string = String,
): FailureWords {
  const { key, values: given, wayOut = key } = troubleOf(error);
  const values = labelled(given, label);
  const way = textOf(catalog, `wayOut.${wayOut}`, values);
  if (!translated.includes(catalog('language'))) return { words: error.message, wayOut: error.hint ?? way };
  const [first = '', ...rest] = textOf(catalog, `trouble.${key}`, values);
  return { words: `${first.toLocaleUpperCase()}${rest.join('')}`, wayOut: way, sentence: error.message };
}

/** Words and way out as one text: `Too late. Allow more time.` */
export function joined({ words, wayOut }: Pick<FailureWords, 'words' | 'wayOut'>): string {
  if (wayOut === '') return words;
  const stop = /[?？。]$/.test(words) ? ' ' : wayOut.endsWith('。') ? '。' : '. ';
  return `${words.replace(/\.$/, '')}${stop}${wayOut}`;
}

/** The values of a trouble, a field by its label. */
function labelled(values: Trouble['values'], label: (field: string) => string): Trouble['values'] {
  return values?.field === undefined ? values : { ...values, field: label(values.field) };
}

/** @returns nothing where the catalog is not loaded: the key says nothing to a person */
function textOf(catalog: FailureCatalog, key: string, values: Trouble['values']): string {
  const text = catalog(key, values);
  return text.endsWith(key) ? '' : text;
}
