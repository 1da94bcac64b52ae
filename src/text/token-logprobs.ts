import type { ScoredToken, TokenLogprob } from '../protocol/answer-options';
import { logSumExp } from './probability';

/** Records the log probabilities of an answer's tokens. The texts of the tokens add up to the answer's text. */
export class TokenLogprobs {
  readonly #top: number;
  readonly #bytesOf: (id: number) => Uint8Array;
  #waiting: TokenLogprob[] = [];
  #started: boolean;

  /** @param keepStart white space at the beginning is part of the answer */
  constructor(top: number, bytesOf: (id: number) => Uint8Array, keepStart = false) {
    this.#top = top;
    this.#bytesOf = bytesOf;
    this.#started = keepStart;
  }

  /** @param logits [vocabulary] at the token's place */
  add(logits: Float32Array, id: number): void {
    const sum = logSumExp(logits);
    const scored = (each: number): ScoredToken => {
      const bytes = this.#bytesOf(each);
      return { ...textOf(bytes), logprob: Math.max(-9999, (logits[each] ?? Number.NEGATIVE_INFINITY) - sum) };
    };
    this.#waiting.push({ ...scored(id), top: likeliest(logits, this.#top).map(scored) });
  }

  /** The tokens since the last call, which stand for the text that is passed on with them. */
  take(): TokenLogprob[] {
    const taken = this.#waiting;
    this.#waiting = [];
    if (this.#started) return taken;
    this.#started = true;
    // The answer's text begins with the first character that is not white space.
    const first = taken.findIndex(({ token }) => token.trim() !== '');
    const [token, ...rest] = taken.slice(Math.max(0, first));
    if (!token) return [];
    // The others at its place as well, so that the token is found among them.
    return [{ ...withoutLeadingSpace(token), top: token.top.map(withoutLeadingSpace) }, ...rest];
  }
}

/** A token of white space only stays as it is. */
function withoutLeadingSpace<Token extends ScoredToken>(token: Token): Token {
  const start = token.bytes.findIndex((byte) => byte > 0x20);
  return start <= 0 ? token : { ...token, ...textOf(Uint8Array.from(token.bytes.slice(start))) };
}

/** Ids of the largest logits, best first. */
export function likeliest(logits: Float32Array, count: number): number[] {
  const best: number[] = [];
  for (let id = 0; id < logits.length && count > 0; id++) {
    const logit = logits[id] as number;
    const last = best.at(-1);
    if (best.length === count && last !== undefined && logit <= (logits[last] as number)) continue;
    if (best.length === count) best.pop();
    let at = best.length;
    while (at > 0 && logit > (logits[best[at - 1] as number] as number)) at--;
    best.splice(at, 0, id);
  }
  return best;
}

function textOf(bytes: Uint8Array): Pick<ScoredToken, 'token' | 'bytes'> {
  return { token: Buffer.from(bytes).toString('utf8'), bytes: [...bytes] };
}
