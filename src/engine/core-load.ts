import type { Timings, VisionTimings } from '../protocol/frame-result';
import type { Clock } from '../system/clock';

const windowMs = 60_000;

interface Worked {
  readonly atMs: number;
  /** Of each core. */
  readonly busyMs: readonly number[];
}

/** What a frame's result says of the cores. */
export interface SeenFrame {
  readonly vision?: VisionTimings;
  readonly timingsMs: Pick<Timings, 'vision'>;
}

/** How busy each NPU core was in the last minute, by the frames that were seen in it. */
export class CoreLoad {
  readonly #clock: Clock;
  readonly #startedMs: number;
  #worked: Worked[] = [];
  #cores = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.now();
  }

  add({ vision, timingsMs }: SeenFrame): void {
    if (!vision?.coreBusy) return;
    const busyMs = vision.coreBusy.map((share) => share * timingsMs.vision);
    this.#worked.push({ atMs: this.#clock.now(), busyMs });
    this.#cores = Math.max(this.#cores, busyMs.length);
  }

  /** @returns 0 … 1 for each core; empty as long as none has worked */
  shares(): readonly number[] {
    const now = this.#clock.now();
    this.#worked = this.#worked.filter(({ atMs }) => atMs > now - windowMs);
    const sinceMs = Math.max(1, Math.min(windowMs, now - this.#startedMs));
    return Array.from({ length: this.#cores }, (_, core) => {
      const sumMs = this.#worked.reduce((sum, { busyMs }) => sum + (busyMs[core] ?? 0), 0);
      return Math.min(1, sumMs / sinceMs);
    });
  }
}
