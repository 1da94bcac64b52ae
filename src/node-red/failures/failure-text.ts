import type { NodeAPI } from 'node-red';
import { failureWords, joined } from '../../failures/failure-words';
import type { FailureText } from './node-failure';
import { fieldLabel, sharedWord } from './shared-words';

/**
 * Errors in Node-RED's language: what is wrong in its words, the way out, and in brackets the English sentence, which
 * names the thing and the value.
 * @param type of the node, whose dialog names the fields
 */
export function failureText(RED: NodeAPI, type: string): FailureText {
  return (error) => {
    const failure = failureWords(
      error,
      (key, values) => sharedWord(RED, key, values),
      (field) => fieldLabel(RED, type, field),
    );
    const text = joined(failure);
    return failure.sentence === undefined ? text : `${text} (${failure.sentence})`;
  };
}
