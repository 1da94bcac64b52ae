import type { DoctorPhrase } from '../doctor-report';
import english from './locales/en-US.json';
import { phraseText } from './phrase-text';

export type PhraseKey = keyof typeof english.finding;

/** A phrase that the catalogs have. */
export interface FindingPhrase extends DoctorPhrase {
  readonly key: PhraseKey;
}

/** A text of a report; a string is the same in every language. */
export type FindingText = string | FindingPhrase;

/** How parts follow each other, each a phrase of two. */
type Join = Extract<PhraseKey, 'comma' | 'semicolon' | 'and' | 'or' | 'then'>;

export function phrase(
  key: PhraseKey,
  values?: Readonly<Record<string, FindingText | number>>,
): FindingPhrase {
  if (values === undefined) return { key };
  const texts = Object.entries(values).map(([name, value]) => [
    name,
    typeof value === 'number' ? `${value}` : value,
  ]);
  return { key, values: Object.fromEntries(texts) };
}

/** Several texts as one. @returns '' for none */
export function listed(join: Join, texts: readonly FindingText[]): FindingText {
  const [only = ''] = texts;
  if (texts.length < 2) return only;
  const middle = Math.ceil(texts.length / 2);
  return phrase(join, {
    first: listed(join, texts.slice(0, middle)),
    second: listed(join, texts.slice(middle)),
  });
}

/** A text as reports, errors and the command write it. */
export function englishText(text: FindingText): string {
  if (typeof text === 'string') return text;
  return (
    phraseText(text, { template: (key) => english.finding[key as PhraseKey], value: String }) ?? text.key
  );
}
