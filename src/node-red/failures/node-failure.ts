import { type ErrorBody, errorBody } from '../../errors';
import { shownText } from '../../system/shown-address';

/** What a person reads about an error: a sentence and the way out. */
export type FailureText = (error: ErrorBody) => string;

/** An error as Node-RED's Catch node shows it: the message with its way out, and the stable code. */
export class NodeFailure extends Error {
  readonly code: string;
  /** The English sentence of the error, without the way out and whatever the message's language is. */
  readonly sentence: string;

  constructor(thrown: unknown, text: FailureText = englishText) {
    const body = errorBody(thrown);
    const sentence = shownText(body.message);
    super(text({ ...body, message: sentence }));
    this.name = 'NodeFailure';
    this.code = body.code;
    this.sentence = sentence;
  }

  /** Node-RED makes `msg.error.message` of this: the sentence and the way out, without the class. */
  override toString(): string {
    return this.message;
  }
}

function englishText({ message, hint }: ErrorBody): string {
  return hint === undefined ? message : `${message}. ${hint}`;
}
