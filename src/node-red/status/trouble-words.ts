import { troubleOf } from '../../failures/trouble';
import { sharedKey } from '../failures/shared-words';
import type { Phrase } from './phrase';

/** An error, or the code of one, in a few words. */
export type TroubleWords = (thrown: unknown) => Phrase;

/**
 * What a status says about an error; its code stays in the message.
 * @param type of the node, whose dialog names the fields
 */
export function troubleWords(type: string): TroubleWords {
  return (thrown) => {
    const { key, values } = troubleOf(thrown);
    const field = values?.field;
    const filledIn = field === undefined ? values : { ...values, field: { field, type } };
    return { key: sharedKey(`trouble.${key}`), ...(filledIn && { values: filledIn }) };
  };
}
