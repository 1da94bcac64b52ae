import { type ByteAutomaton, dead } from './byte-automaton';

/** The tokens an automaton allows in a state, and the state each leads to. */
export interface AllowedTokens {
  readonly ids: Int32Array;
  /** State after the token, one per id. */
  readonly next: Int32Array;
}

/** A vocabulary by its bytes: tokens with a common prefix share a path. */
export class TokenTrie {
  readonly #firstChild: number[] = [0];
  readonly #nextSibling: number[] = [0];
  readonly #byte: number[] = [0];
  readonly #token: number[] = [-1];

  /** @param pieces each token's bytes by its id; undefined for control tokens */
  constructor(pieces: readonly (Uint8Array | undefined)[]) {
    for (const [id, bytes] of pieces.entries()) if (bytes && bytes.length > 0) this.#add(bytes, id);
  }

  /** Whether a token stands for this byte alone. */
  hasByte(byte: number): boolean {
    return (this.#token[this.#child(0, byte)] ?? -1) >= 0;
  }

  /** Walks the tokens and the automaton together. */
  allowed(automaton: ByteAutomaton, state: number): AllowedTokens {
    const ids: number[] = [];
    const next: number[] = [];
    const walk = (node: number, at: number): void => {
      for (
        let child = this.#firstChild[node] as number;
        child !== 0;
        child = this.#nextSibling[child] as number
      ) {
        const after = automaton.step(at, this.#byte[child] as number);
        if (after === dead) continue;
        const token = this.#token[child] as number;
        if (token >= 0) {
          ids.push(token);
          next.push(after);
        }
        walk(child, after);
      }
    };
    walk(0, state);
    return { ids: Int32Array.from(ids), next: Int32Array.from(next) };
  }

  #add(bytes: Uint8Array, id: number): void {
    let node = 0;
    for (const byte of bytes) node = this.#child(node, byte) || this.#append(node, byte);
    // Of two tokens with the same bytes the lower id is the tokenizer's own.
    if (this.#token[node] === -1) this.#token[node] = id;
  }

  /** @returns 0 when there is none */
  #child(node: number, byte: number): number {
    let child = this.#firstChild[node] as number;
    while (child !== 0 && this.#byte[child] !== byte) child = this.#nextSibling[child] as number;
    return child;
  }

  #append(node: number, byte: number): number {
    const child = this.#byte.push(byte) - 1;
    this.#token.push(-1);
    this.#firstChild.push(0);
    this.#nextSibling.push(this.#firstChild[node] as number);
    this.#firstChild[node] = child;
    return child;
  }
}
