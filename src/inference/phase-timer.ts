import type { Timings } from '../protocol/frame-result';

/** A part of a caption's time; `wait` counts for the total alone. */
type Lap = Exclude<keyof Timings, 'total'> | 'wait';

/** Adds up the time of each part. */
export class PhaseTimer {
  readonly #started = performance.now();
  readonly #laps = { image: 0, vision: 0, prefill: 0, decode: 0, wait: 0 };
  #last = this.#started;

  /** Counts the time since the last lap to this part. */
  lap(part: Lap): void {
    const now = performance.now();
    this.#laps[part] += now - this.#last;
    this.#last = now;
  }

  ms(part: Lap): number {
    return this.#laps[part];
  }

  timings(): Timings {
    const { image, vision, prefill, decode } = this.#laps;
    return {
      image: rounded(image),
      vision: rounded(vision),
      prefill: rounded(prefill),
      decode: rounded(decode),
      total: rounded(performance.now() - this.#started),
    };
  }
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}
