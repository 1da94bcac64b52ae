import { SmolvlmError } from '../../errors';
import type { AnswerSchema } from '../../protocol/schema/answer-schema';
import { ByteAutomaton } from './byte-automaton';
import { jsonPattern } from './json-pattern';
import type { AllowedTokens, TokenTrie } from './token-trie';

/** Limits what may be written, token by token. */
export interface TokenConstraint {
  /**
   * @param logits [vocabulary] @param room tokens that may still be written, this one included
   * @returns a copy in which forbidden tokens are −∞
   */
  mask(logits: Float32Array, room: number): Float32Array;
  /** Advances past a token that was written. */
  accept(id: number): void;
}

/** Masks kept: with 49 000 tokens one takes up to 400 kB. */
const mostKept = 64;

/**
 * Keeps an answer to a JSON schema: whatever the model prefers, the text parses and matches the schema, even if it
 * runs out of tokens. A token is allowed only if the shortest completion after it, byte by byte, still fits
 * into the tokens that are left.
 */
export class JsonConstraint implements TokenConstraint {
  readonly #automaton: ByteAutomaton;
  readonly #trie: TokenTrie;
  readonly #stopIds: readonly number[];
  readonly #kept = new Map<number, AllowedTokens>();
  #state: number;

  /**
   * @param room tokens the answer may have @param stopIds tokens that end it, allowed once the value is whole
   * @throws SmolvlmError `caption-json-room` when no answer fits, `caption-json-size`, `caption-json-vocabulary`
   */
  constructor(schema: AnswerSchema, trie: TokenTrie, stopIds: readonly number[], room: number) {
    this.#trie = trie;
    this.#stopIds = stopIds;
    this.#automaton = new ByteAutomaton(jsonPattern(schema), (byte) => trie.hasByte(byte));
    this.#state = this.#automaton.start;
    const fewest = this.#automaton.distance(this.#state);
    if (fewest === Number.POSITIVE_INFINITY) {
      throw new SmolvlmError('caption-json-vocabulary', 'the model’s tokens cannot write this JSON schema', {
        hint: 'Use plain letters in property names and enums.',
      });
    }
    if (fewest > room) {
      throw new SmolvlmError(
        'caption-json-room',
        `the shortest answer that fits the JSON schema can take ${fewest} tokens; ${room} are allowed`,
        { hint: 'Allow a longer answer, or request fewer properties with shorter names.' },
      );
    }
  }

  mask(logits: Float32Array, room: number): Float32Array {
    const masked = new Float32Array(logits.length).fill(Number.NEGATIVE_INFINITY);
    const { ids, next } = this.#allowed();
    for (let index = 0; index < ids.length; index++) {
      if (this.#automaton.distance(next[index] as number) > room - 1) continue;
      const id = ids[index] as number;
      masked[id] = logits[id] as number;
    }
    if (this.#automaton.accepts(this.#state))
      for (const id of this.#stopIds) masked[id] = logits[id] as number;
    return masked;
  }

  accept(id: number): void {
    const { ids, next } = this.#allowed();
    const index = ids.indexOf(id);
    if (index >= 0) this.#state = next[index] as number;
  }

  #allowed(): AllowedTokens {
    const found = this.#kept.get(this.#state) ?? this.#trie.allowed(this.#automaton, this.#state);
    this.#kept.delete(this.#state);
    this.#kept.set(this.#state, found);
    for (const state of this.#kept.keys()) {
      if (this.#kept.size <= mostKept) break;
      this.#kept.delete(state);
    }
    return found;
  }
}
