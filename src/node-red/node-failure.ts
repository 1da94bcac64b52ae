import { errorBody } from '../errors';
import { shownText } from '../system/shown-address';

/** An error as Node-RED's Catch node shows it: the message with its way out, and the stable code. */
export class NodeFailure extends Error {
  readonly code: string;

  constructor(thrown: unknown) {
    const { code, message, hint } = errorBody(thrown);
    const shown = shownText(message);
    super(hint === undefined ? shown : `${shown}. ${hint}`);
    this.name = 'NodeFailure';
    this.code = code;
  }

  /** Node-RED makes `msg.error.message` of this: the sentence and the way out, without the class. */
  override toString(): string {
    return this.message;
  }
}
