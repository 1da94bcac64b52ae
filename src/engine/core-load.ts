import type { Timings, VisionTimings } from '../protocol/frame-result';
import type { Clock } from '../system/clock';

const windowMs = 60_000;

interface Work {
  readonly atMs: number;
  /** Per core. */
  readonly busyMs: readonly number[];
}

/** The part of a frame's result that tells how busy the cores were. */
export interface EncodedFrame {
  readonly vision?: VisionTimings;
  readonly timingsMs: Pick<Timings, 'vision'>;
}

/** How busy each NPU core was in the last minute, from the results of the frames encoded in it. */
export class CoreLoad {
  readonly #clock: Clock;
  readonly #startedMs: number;
  #work: Work[] = [];
  #cores = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.now();
  }

  add({ vision, timingsMs }: EncodedFrame): void {
    if (!vision?.coreBusy) return;
    const busyMs = vision.coreBusy.map((share) => share * timingsMs.vision);
    this.#work.push({ atMs: this.#clock.now(), busyMs });
    this.#cores = Math.max(this.#cores, busyMs.length);
  }

  /** @returns 0 … 1 for each core; empty before the first frame on the NPU */
  shares(): readonly number[] {
    const now = this.#clock.now();
    this.#work = this.#work.filter(({ atMs }) => atMs > now - windowMs);
    const sinceMs = Math.max(1, Math.min(windowMs, now - this.#startedMs));
    return Array.from({ length: this.#cores }, (_, core) => {
      const sumMs = this.#work.reduce((sum, { busyMs }) => sum + (busyMs[core] ?? 0), 0);
      return Math.min(1, sumMs / sinceMs);
    });
  }
}
