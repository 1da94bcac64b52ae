import type { NodeAPI } from 'node-red';
import type { ErrorBody } from '../../errors';
import type { FailureText } from './node-failure';
import { sharedWord } from './shared-words';
import { shownValues, troubleOf } from './trouble-words';

/** Languages of the catalogs besides English, which also stands in for a catalog that is not loaded. */
const translated = ['de', 'fr', 'zh'];

/**
 * Errors in Node-RED's language: what is wrong in its words, the way out, and in brackets the English sentence, which
 * names the thing and the value. In English it is that sentence with its own way out, or that of its kind if it has none.
 * @param type of the node, whose dialog names the fields
 */
export function failureText(RED: NodeAPI, type: string): FailureText {
  return (error) => {
    const { key, values: given, wayOut = key } = troubleOf(error);
    const values = shownValues(RED, type, given);
    const way = sharedWord(RED, `wayOut.${wayOut}`, values);
    if (!translated.includes(sharedWord(RED, 'language'))) return inEnglish(error, way);
    const [first = '', ...rest] = sharedWord(RED, `trouble.${key}`, values);
    const words = `${first.toLocaleUpperCase()}${rest.join('')}`;
    const stop = /[?？]$/.test(words) ? ' ' : way.endsWith('。') ? '。' : '. ';
    return `${words}${stop}${way} (${error.message})`;
  };
}

function inEnglish({ message, hint }: ErrorBody, way: string): string {
  const wayOut = hint ?? (way.includes('.wayOut.') ? undefined : way);
  return wayOut === undefined ? message : `${message.replace(/\.$/, '')}. ${wayOut}`;
}
