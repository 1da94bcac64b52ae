import type { NodeAPI } from 'node-red';
import { labelled } from '../../failures/failure-words';
import { troubleOf } from '../../failures/trouble';
import { fieldLabel, sharedWord } from './shared-words';

/** An error, or the code of one, in a few words in Node-RED's language. */
export type TroubleWords = (thrown: unknown) => string;

/**
 * What a status says about an error; its code stays in the message.
 * @param type of the node, whose dialog names the fields
 */
export function troubleWords(RED: NodeAPI, type: string): TroubleWords {
  return (thrown) => {
    const { key, values } = troubleOf(thrown);
    return sharedWord(
      RED,
      `trouble.${key}`,
      labelled(values, (field) => fieldLabel(RED, type, field)),
    );
  };
}
