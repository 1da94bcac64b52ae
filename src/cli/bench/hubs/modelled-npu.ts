import { setTimeout as delay } from 'node:timers/promises';
import type { PipelineStage } from '../../../backends/stage-runner';
import type { InferenceHooks } from '../../../inference/inference';
import type { BundleStage } from '../../../model/bundle/bundle-manifest';
import { visionStages } from '../../../onnx/vision/vision-stages';
import { PriorityMutex } from '../../../system/async/priority-mutex';
import { StagePipeline } from '../../../vision/stage-pipeline';
import type { ModelledTimes } from './modelled-captioner';
import type { ModelledSchedule } from './modelled-schedule';

const layers = 12;

/** An NPU whose stages only wait, under the pipeline of the real one; one answer is written at a time beside them. */
export class ModelledNpu {
  readonly #schedule: ModelledSchedule & { readonly kind: 'npu' };
  readonly #pipeline: StagePipeline;
  readonly #text = new PriorityMutex();

  constructor(schedule: ModelledSchedule & { readonly kind: 'npu' }) {
    const { cores, stageMs } = schedule;
    this.#schedule = schedule;
    const stages = visionStages(layers, 'half-layer').map(({ name, halves }): PipelineStage => {
      const stage = { name, core: (halves[0]?.layer ?? 0) % cores } as BundleStage;
      return {
        stage,
        run: async (input) => {
          await delay(stageMs);
          return input;
        },
      };
    });
    this.#pipeline = new StagePipeline(stages, 2 * cores + 1);
  }

  /** One per core, and one whose text is written. */
  get framesInFlight(): number {
    return this.#schedule.cores + 1;
  }

  /** Takes the time of a caption. @returns milliseconds of vision and text, with the waits for other frames */
  async caption(hooks: InferenceHooks, priority = 0): Promise<ModelledTimes> {
    const { signal, onProgress } = hooks;
    const { tiles, textMs } = this.#schedule;
    const startedAt = performance.now();
    const stream = new Float32Array();
    await this.#pipeline.run(
      tiles,
      async () => stream,
      async () => {},
      {
        signal,
        priority,
        onProgress: ({ done, total, stage }) => onProgress({ phase: 'vision', done, total, stage }),
      },
    );
    const encodedAt = performance.now();
    await this.#text.enter(() => delay(textMs, undefined, { signal }), priority, signal);
    return { visionMs: encodedAt - startedAt, textMs: performance.now() - encodedAt };
  }
}
