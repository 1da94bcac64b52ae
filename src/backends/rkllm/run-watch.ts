import { SmolvlmError } from '../../errors';

/** Prefill of a full context takes seconds; a token tens of milliseconds. */
const defaultSilenceMs = 60_000;

/** As long as the driver's own three waits for a job: see the vision stages' watch. */
const defaultLostMs = 20_000;

/** A model of gigabytes from a slow card. */
const defaultLoadMs = 120_000;

export interface RunLimits {
  /** A file that is not loaded after this never is. */
  readonly loadMs?: number;
  /** A run that gives nothing for so long is told to stop. */
  readonly silenceMs?: number;
  /** A run that was told to stop and has not come back after this never does. */
  readonly lostMs?: number;
  /** Nothing but the end of the process frees its thread and the NPU. */
  readonly onLost?: (ms: number) => void;
}

/** Stops a native run when it is told to or when the run falls silent, and gives up on one that does not stop. */
export class RunWatch {
  readonly #limits: RunLimits;
  readonly #abort: () => Promise<unknown>;
  readonly #aborts: Promise<unknown>[] = [];
  #silence: NodeJS.Timeout | undefined;
  #lost: NodeJS.Timeout | undefined;
  #stopping = false;
  #over = false;
  #silent = false;
  #giveUp: (error: SmolvlmError) => void = () => undefined;

  /** @param abort `rkllm_abort`; it does nothing while the run has not begun yet */
  constructor(limits: RunLimits, abort: () => Promise<unknown>) {
    this.#limits = limits;
    this.#abort = abort;
  }

  /**
   * Waits for the run, and for aborts under way: the handle must not be destroyed under them.
   * @throws SmolvlmError `decoder-silent` when it was stopped for its silence, `npu-lost` when it does not come back
   */
  async over(call: Promise<number>): Promise<number> {
    const gone = new Promise<never>((_, reject) => {
      this.#giveUp = reject;
    });
    this.heard();
    try {
      const status = await Promise.race([call, gone]);
      await Promise.allSettled(this.#aborts);
      if (this.#silent) throw silent(this.#limits.silenceMs ?? defaultSilenceMs);
      return status;
    } finally {
      this.#over = true;
      clearTimeout(this.#silence);
      clearTimeout(this.#lost);
    }
  }

  /** The library gave something. A run that goes on although it was told to stop had not begun then: it is told again. */
  heard(): void {
    if (this.#stopping) {
      this.#tell();
      return;
    }
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      this.#silent = true;
      this.stop();
    }, this.#limits.silenceMs ?? defaultSilenceMs);
  }

  stop(): void {
    if (this.#stopping || this.#over) return;
    this.#stopping = true;
    clearTimeout(this.#silence);
    this.#tell();
    const { lostMs = defaultLostMs, onLost } = this.#limits;
    this.#lost = setTimeout(() => {
      onLost?.(lostMs);
      this.#giveUp(lost(`has not stopped for ${lostMs / 1000} s after it was told to`));
    }, lostMs);
  }

  #tell(): void {
    const told = this.#abort();
    told.catch(() => undefined);
    this.#aborts.push(told);
  }
}

/** Waits for a file to be loaded. @throws SmolvlmError `npu-lost` when it takes too long */
export async function watchLoad<T>(
  { loadMs = defaultLoadMs, onLost }: RunLimits,
  call: Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const gone = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      onLost?.(loadMs);
      reject(lost(`has not loaded its file for ${loadMs / 1000} s`));
    }, loadMs);
  });
  try {
    return await Promise.race([call, gone]);
  } finally {
    clearTimeout(timer);
  }
}

function lost(what: string): SmolvlmError {
  return new SmolvlmError('npu-lost', `the NPU’s decoder ${what}`, {
    hint: 'The engine is started anew. If it happens again: update driver and runtime, see smolvlm doctor.',
  });
}

function silent(ms: number): SmolvlmError {
  return new SmolvlmError('decoder-silent', `the NPU’s decoder gave nothing for ${ms / 1000} s`, {
    hint: 'Look at the NPU’s load and temperature with smolvlm doctor, or choose the decoder "cpu".',
  });
}
