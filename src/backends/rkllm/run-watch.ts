import { SmolvlmError } from '../../errors';
import { afterRunning, type Clock, systemClock } from '../../system/clock';

/** Prefill of a full context takes seconds; a token takes tens of milliseconds. */
const defaultSilenceMs = 60_000;

/** The driver's own three waits for a job: see the vision stages' watch. */
const defaultLostMs = 20_000;

/** Loading gigabytes from a slow card. */
const defaultLoadMs = 120_000;

export interface RunLimits {
  /** A file that has not loaded after this long never will. */
  readonly loadMs?: number;
  /** A run without output for this long is aborted. */
  readonly silenceMs?: number;
  /** An aborted run that has not returned after this long never will. */
  readonly lostMs?: number;
  /** Only the end of the process frees the thread and the NPU. */
  readonly onLost?: (ms: number) => void;
  readonly clock?: Clock;
}

/** Aborts a native run on request or when it produces nothing, and gives up on one that does not stop. */
export class RunWatch {
  readonly #limits: RunLimits;
  readonly #abort: () => Promise<unknown>;
  readonly #aborts: Promise<unknown>[] = [];
  readonly #clock: Clock;
  #cancelSilence: (() => void) | undefined;
  #cancelLost: (() => void) | undefined;
  #stopping = false;
  #over = false;
  #silent = false;
  #giveUp: (error: SmolvlmError) => void = () => undefined;

  /** @param abort `rkllm_abort`; it has no effect before the run has started */
  constructor(limits: RunLimits, abort: () => Promise<unknown>) {
    this.#limits = limits;
    this.#clock = limits.clock ?? systemClock;
    this.#abort = abort;
  }

  /**
   * Waits for the run and for pending aborts: the handle must not be destroyed before they return.
   * @throws SmolvlmError `decoder-silent` when it was aborted without output, `npu-lost` when it does not return
   */
  async over(call: Promise<number>): Promise<number> {
    const gone = new Promise<never>((_, reject) => {
      this.#giveUp = reject;
    });
    this.onOutput();
    try {
      const status = await Promise.race([call, gone]);
      await Promise.allSettled(this.#aborts);
      if (this.#silent) throw silent(this.#limits.silenceMs ?? defaultSilenceMs);
      return status;
    } finally {
      this.#over = true;
      this.#cancelSilence?.();
      this.#cancelLost?.();
    }
  }

  /** The library produced output. A run that continues after an abort had not started then: it is aborted again. */
  onOutput(): void {
    if (this.#stopping) {
      this.#abortRun();
      return;
    }
    this.#cancelSilence?.();
    this.#cancelSilence = afterRunning(this.#clock, this.#limits.silenceMs ?? defaultSilenceMs, () => {
      this.#silent = true;
      this.stop();
    });
  }

  stop(): void {
    if (this.#stopping || this.#over) return;
    this.#stopping = true;
    this.#cancelSilence?.();
    this.#abortRun();
    const { lostMs = defaultLostMs, onLost } = this.#limits;
    this.#cancelLost = afterRunning(this.#clock, lostMs, () => {
      onLost?.(lostMs);
      this.#giveUp(lost(`has not stopped ${lostMs / 1000} s after it was aborted`));
    });
  }

  #abortRun(): void {
    const aborting = this.#abort();
    aborting.catch(() => undefined);
    this.#aborts.push(aborting);
  }
}

/** Waits for a file to be loaded. @throws SmolvlmError `npu-lost` when it takes too long */
export async function watchLoad<T>(
  { loadMs = defaultLoadMs, onLost, clock = systemClock }: RunLimits,
  call: Promise<T>,
): Promise<T> {
  let cancel: (() => void) | undefined;
  const gone = new Promise<never>((_, reject) => {
    cancel = afterRunning(clock, loadMs, () => {
      onLost?.(loadMs);
      reject(lost(`has not loaded its file after ${loadMs / 1000} s`));
    });
  });
  try {
    return await Promise.race([call, gone]);
  } finally {
    cancel?.();
  }
}

function lost(what: string): SmolvlmError {
  return new SmolvlmError('npu-lost', `the NPU’s decoder ${what}`, {
    hint: 'The engine restarts. If it happens again: update driver and runtime, see smolvlm doctor.',
  });
}

function silent(ms: number): SmolvlmError {
  return new SmolvlmError('decoder-silent', `the NPU’s decoder produced nothing for ${ms / 1000} s`, {
    hint: 'Check the NPU’s load and temperature with smolvlm doctor, or choose the decoder "cpu".',
  });
}
