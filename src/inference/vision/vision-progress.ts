import type { ErrorBody } from '../../errors';
import type { VisionTimings } from '../../protocol/frame-result';
import { defined } from '../../system/defined';
import type { EncodeOptions } from '../../vision/vision-tower';
import type { InferenceHooks } from '../inference';

/** Passes on a frame's vision progress, and adds up the time of its stages. */
export class VisionProgress {
  readonly #stageMs = new Map<string, number>();
  readonly #coreMs: number[] = [];

  /** @param warning goes with each step: a reader that is slow gets only the newest one @returns callbacks for the tower */
  callbacks(
    { onProgress }: Pick<InferenceHooks, 'onProgress'>,
    warning?: ErrorBody,
  ): Pick<EncodeOptions, 'onProgress' | 'onSlow'> {
    let last = { done: 0, total: 1 };
    return {
      onProgress: ({ done, total, stage, ms, core }) => {
        last = { done, total };
        this.#stageMs.set(stage, (this.#stageMs.get(stage) ?? 0) + ms);
        if (core !== undefined) this.#coreMs[core] = (this.#coreMs[core] ?? 0) + ms;
        onProgress({ phase: 'vision', done, total, stage, ...defined({ core, warning }) });
      },
      onSlow: (stage, ms) => {
        const message = `stage ${stage} has been on the NPU for ${ms / 1000} s`;
        onProgress({ phase: 'vision', ...last, stage, warning: { code: 'npu-slow', message } });
      },
    };
  }

  /** @param visionMs the frame's vision time @returns undefined when nothing ran */
  timings(visionMs: number): VisionTimings | undefined {
    if (this.#stageMs.size === 0) return undefined;
    const stagesMs = Object.fromEntries(
      [...this.#stageMs].map(([stage, ms]) => [stage, Math.round(ms * 10) / 10]),
    );
    if (this.#coreMs.length === 0) return { stagesMs };
    const share = (ms: number | undefined = 0): number =>
      Math.round((1000 * ms) / Math.max(visionMs, ms)) / 1000 || 0;
    return { stagesMs, coreBusy: Array.from(this.#coreMs, share) };
  }
}
