import { SmolvlmError } from '../../errors';

/** A stage of SmolVLM-256M takes tens of milliseconds; this is far beyond what a hot or shared NPU needs. */
const slowMs = 3_000;

/**
 * The driver waits 6 s up to three times for a job, then resets the NPU (rknpu 0.9.8): a call that is out longer
 * does not come back.
 */
const lostMs = 20_000;

export interface StageWatch {
  readonly slowMs?: number;
  readonly lostMs?: number;
  /** A stage takes longer than it should; it may still end. */
  readonly onSlow?: (stage: string, ms: number) => void;
  /** A stage does not come back: nothing but the end of the process frees its thread and the driver. */
  readonly onLost?: (stage: string, ms: number) => void;
}

/**
 * Waits for a native call, says so when it is slow, and gives up on it once the driver itself must have.
 * @throws SmolvlmError `npu-lost` then
 */
export async function watchStage<T>(
  stage: string,
  call: Promise<T>,
  watch: StageWatch,
  onSlow?: (ms: number) => void,
): Promise<T> {
  const slowAfter = watch.slowMs ?? slowMs;
  const lostAfter = watch.lostMs ?? lostMs;
  let lost: NodeJS.Timeout | undefined;
  const slow = setTimeout(() => {
    watch.onSlow?.(stage, slowAfter);
    onSlow?.(slowAfter);
  }, slowAfter);
  const gone = new Promise<never>((_, reject) => {
    lost = setTimeout(() => {
      watch.onLost?.(stage, lostAfter);
      reject(
        new SmolvlmError(
          'npu-lost',
          `stage ${stage} has not come back from the NPU for ${lostAfter / 1000} s`,
          {
            hint: 'The engine is started anew. If it happens again: update driver and runtime, cool the board, see smolvlm doctor.',
          },
        ),
      );
    }, lostAfter);
  });
  try {
    return await Promise.race([call, gone]);
  } finally {
    clearTimeout(slow);
    clearTimeout(lost);
  }
}
