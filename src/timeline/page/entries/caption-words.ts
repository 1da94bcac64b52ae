import type { AnswerBody } from '../../http/timeline-api';

type Answer = AnswerBody['answer'];
type Fields = Readonly<Record<string, Answer>>;

/** The page's language. */
interface AnswerCatalog {
  translate(key: 'yes' | 'no' | 'notSure'): string;
}

/** @returns the fields of a caption that is a JSON object, undefined for a sentence */
export function captionFields(text: string): Fields | undefined {
  if (!/^\s*\{.*\}\s*$/s.test(text)) return undefined;
  try {
    return JSON.parse(text) as Fields;
  } catch {
    return undefined;
  }
}

/** A caption on one line: a JSON object as `field: value · field: value`, a sentence unchanged. */
export function captionWords(text: string, words: AnswerCatalog): string {
  const fields = captionFields(text);
  if (fields === undefined) return text;
  return joined(fields, ' · ', words) || text;
}

/** An answer as text: yes and no in the page's language, lists and nested objects on one line. */
export function answerWords(answer: Answer, words: AnswerCatalog): string {
  if (answer === null) return words.translate('notSure');
  if (typeof answer === 'boolean') return words.translate(answer ? 'yes' : 'no');
  if (typeof answer !== 'object') return String(answer);
  const list = Array.isArray(answer)
    ? answer.map((each: Answer) => answerWords(each, words)).join(', ')
    : joined(answer as Fields, ', ', words);
  return list || '–';
}

function joined(fields: Fields, separator: string, words: AnswerCatalog): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}: ${answerWords(value, words)}`)
    .join(separator);
}
