import type { Tokenizer } from './tokenizer';

/** Tokens that may wait for the rest of a character: UTF-8 has at most four bytes, one token each. */
const mostPending = 8;

/** Decodes tokens into text as they arrive, never returning half a character. */
export class TokenStream {
  readonly #tokenizer: Tokenizer;
  #pending: number[] = [];

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** @returns the text that is certain now, '' while a character is incomplete; control tokens have no text */
  push(id: number): string {
    this.#pending.push(id);
    const text = this.#tokenizer.decode(this.#pending, true);
    if (text.endsWith('\uFFFD') && this.#pending.length < mostPending) return '';
    this.#pending = [];
    return text;
  }

  /** @returns the rest, when no more tokens follow */
  end(): string {
    const text = this.#tokenizer.decode(this.#pending, true);
    this.#pending = [];
    return text;
  }
}
