import { type ErrorBody, errorBody } from '../../errors';
import { shownText } from '../../system/shown-address';

/** What a person reads about an error: a sentence and the way out. */
export type FailureText = (error: ErrorBody) => string;

/**
 * An error as Node-RED's Catch nodes, log and debug sidebar show it: the message with its way out, and the stable code.
 * It is not an Error: of those the debug sidebar shows the first words of each property, of other objects their text.
 */
export class NodeFailure implements Error {
  readonly name = 'NodeFailure';
  readonly message: string;
  readonly code: string;
  /** The English sentence of the error, without the way out and whatever the message's language is. */
  readonly sentence: string;

  constructor(thrown: unknown, text: FailureText = englishText) {
    const body = errorBody(thrown);
    const sentence = shownText(body.message);
    this.message = text({ ...body, message: sentence });
    this.code = body.code;
    this.sentence = sentence;
  }

  /** Node-RED makes `msg.error.message` and the sidebar's line of this: the sentence and the way out, without the class. */
  toString(): string {
    return this.message;
  }
}

function englishText({ message, hint }: ErrorBody): string {
  return hint === undefined ? message : `${message}. ${hint}`;
}
