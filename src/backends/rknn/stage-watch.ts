import { SmolvlmError } from '../../errors';
import { afterRunning, type Clock, systemClock } from '../../system/clock';

/** A stage of SmolVLM-256M takes tens of milliseconds; this is far more than a hot or shared NPU needs. */
export const slowMs = 3_000;

/**
 * The driver waits for a job up to three times 6 s, then resets the NPU (rknpu 0.9.8): a call that takes longer
 * never returns.
 */
export const lostMs = 20_000;

export interface StageWatch {
  readonly slowMs?: number;
  readonly lostMs?: number;
  readonly clock?: Clock;
  /** A stage takes longer than it should; it may still end. */
  readonly onSlow?: (stage: string, ms: number) => void;
  /** A stage does not return: only the end of the process frees its thread and the driver. */
  readonly onLost?: (stage: string, ms: number) => void;
}

/** Loading a file from a slow card takes seconds. */
const loadFactor = 3;

/** Waits for native calls of one backend, reports slow ones, and gives up on those that exceed the driver's own limit. */
export class StageWatchdog {
  readonly #watch: StageWatch;
  readonly #clock: Clock;
  readonly #out = new Set<Promise<unknown>>();

  constructor(watch: StageWatch = {}) {
    this.#watch = watch;
    this.#clock = watch.clock ?? systemClock;
  }

  /** Whether a call was given up and has not returned: the library still uses its memory, and the NPU may be stuck. */
  get lost(): boolean {
    return this.#out.size > 0;
  }

  /** Resolves when every call that was given up has returned. */
  async back(): Promise<void> {
    await Promise.allSettled(this.#out);
  }

  /** A run of a stage. @throws SmolvlmError `npu-lost` when it is given up */
  async run<T>(stage: string, call: Promise<T>, onSlow?: (ms: number) => void): Promise<T> {
    const slowAfter = this.#watch.slowMs ?? slowMs;
    const cancel = afterRunning(this.#clock, slowAfter, () => {
      this.#watch.onSlow?.(stage, slowAfter);
      onSlow?.(slowAfter);
    });
    try {
      return await this.#within(this.#watch.lostMs ?? lostMs, stage, call);
    } finally {
      cancel();
    }
  }

  /** The opening of a stage's file. @throws SmolvlmError `npu-lost` when it is given up */
  load<T>(stage: string, call: Promise<T>): Promise<T> {
    return this.#within(loadFactor * (this.#watch.lostMs ?? lostMs), stage, call);
  }

  async #within<T>(ms: number, stage: string, call: Promise<T>): Promise<T> {
    let cancel: (() => void) | undefined;
    const gone = new Promise<never>((_, reject) => {
      cancel = afterRunning(this.#clock, ms, () => {
        this.#giveUp(call);
        this.#watch.onLost?.(stage, ms);
        reject(lost(stage, ms));
      });
    });
    try {
      return await Promise.race([call, gone]);
    } finally {
      cancel?.();
    }
  }

  #giveUp(call: Promise<unknown>): void {
    const back = (): void => void this.#out.delete(call);
    this.#out.add(call);
    call.then(back, back);
  }
}

function lost(stage: string, ms: number): SmolvlmError {
  return new SmolvlmError('npu-lost', `stage ${stage} has not returned from the NPU for ${ms / 1000} s`, {
    hint: 'The engine restarts. If it happens again: update driver and runtime, cool the board, see smolvlm doctor.',
  });
}
