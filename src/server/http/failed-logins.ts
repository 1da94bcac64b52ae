import { type Clock, systemClock } from '../../system/clock';

/** Wrong tokens of one address that are answered at once: a client that was set up wrongly is told quickly. */
const freeFailures = 3;
const firstPauseMs = 250;
const longestPauseMs = 5_000;
const forgetMs = 10 * 60_000;
const rememberedAddresses = 1000;

/** Slows down an address that sends wrong tokens: a longer pause before each answer, until a right one comes. */
export class FailedLogins {
  readonly #clock: Clock;
  /** The address whose last failure is oldest first. */
  readonly #failures = new Map<string, { readonly count: number; readonly atMs: number }>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Counts a wrong token. @returns how many in a row, once the pause has passed */
  async failed(address: string): Promise<number> {
    const last = this.#failures.get(address);
    const now = this.#clock.now();
    const count = (last && now - last.atMs < forgetMs ? last.count : 0) + 1;
    this.#failures.delete(address);
    this.#failures.set(address, { count, atMs: now });
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > rememberedAddresses && oldest !== undefined) this.#failures.delete(oldest);
    const pauseMs = loginPauseMs(count);
    if (pauseMs > 0) await new Promise<void>((resolve) => this.#clock.after(pauseMs, resolve));
    return count;
  }

  succeeded(address: string): void {
    this.#failures.delete(address);
  }
}

/** Pause before the answer to the n-th wrong token in a row. */
export function loginPauseMs(count: number): number {
  return count <= freeFailures ? 0 : Math.min(longestPauseMs, firstPauseMs * 2 ** (count - freeFailures - 1));
}
