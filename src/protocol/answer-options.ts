/** What OpenAI's API adds to a request. Clients of the native protocol cannot send it. */
export interface AnswerOptions {
  /** Requests each token's log probability, with those of this many likeliest tokens. */
  readonly topLogprobs?: number;
  /** Added to the logits of tokens, by token id. */
  readonly logitBias?: Readonly<Record<string, number>>;
  /** Subtracted from the logit of each token that the answer contains. */
  readonly presencePenalty?: number;
  /** Subtracted from a token's logit once for each time that the answer contains it. */
  readonly frequencyPenalty?: number;
  /** Sample among this many of the likeliest tokens. */
  readonly topK?: number;
  /** Sample among tokens at least this likely, as a share of the likeliest one's probability. */
  readonly minP?: number;
  /** The last message is the beginning of the answer. */
  readonly continues?: boolean;
  /** The prompt is the text itself, without the chat template. */
  readonly raw?: boolean;
  /** An answer without text is not an error. */
  readonly mayBeEmpty?: boolean;
}

/** A token with its log probability. */
export interface ScoredToken {
  /** Its text; U+FFFD where its bytes are part of a character. */
  readonly token: string;
  readonly bytes: readonly number[];
  /** Natural logarithm of its probability. */
  readonly logprob: number;
}

/** A token of an answer. */
export interface TokenLogprob extends ScoredToken {
  /** The likeliest tokens at its place, best first. */
  readonly top: readonly ScoredToken[];
}
