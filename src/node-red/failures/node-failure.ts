import { type ErrorBody, errorBody } from '../../errors';
import { shortened } from '../../protocol/caption-property';
import { shownText } from '../../system/shown-address';

/** Node-RED's debug sidebar cuts longer texts, unless its settings say otherwise (`debugMaxLength`). */
const mostCharacters = 1000;

/** Characters of the sentence, where a long value in it would push the way out beyond the sidebar's limit. */
const sentenceLimits = [600, 300];
const endCharacters = 100;

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
    this.message = shortEnough(sentence, (shown) => text({ ...body, message: shown }));
    this.code = body.code;
    this.sentence = sentence;
  }

  /** Node-RED makes `msg.error.message` and the sidebar's line of this: the sentence and the way out, without the class. */
  toString(): string {
    return this.message;
  }
}

/** @param textOf makes the text of a sentence */
function shortEnough(sentence: string, textOf: (shown: string) => string): string {
  let text = textOf(sentence);
  for (const limit of sentenceLimits) {
    if (text.length <= mostCharacters) break;
    text = textOf(withoutMiddle(sentence, limit));
  }
  return text;
}

/** Keeps the end of a sentence: it says what went wrong with a value, e.g. `connect ECONNREFUSED`. */
function withoutMiddle(sentence: string, limit: number): string {
  const characters = [...sentence];
  if (characters.length <= limit) return sentence;
  const end = characters.slice(-endCharacters).join('');
  return `${shortened(sentence, limit - endCharacters)}${end.slice(Math.max(0, end.indexOf(' ')))}`;
}

function englishText({ message, hint }: ErrorBody): string {
  return hint === undefined ? message : `${message}. ${hint}`;
}
