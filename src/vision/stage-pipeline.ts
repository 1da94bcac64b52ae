import type { PipelineStage, SharedOutput } from '../backends/stage-runner';
import { PriorityMutex } from '../system/priority-mutex';

export interface StageProgress {
  /** Stages done, over all tiles. */
  readonly done: number;
  /** Stages × tiles. */
  readonly total: number;
  /** The one just done, e.g. `l3_mlp`. */
  readonly stage: string;
  readonly tile: number;
  /** The stage's time: on the device where it says so, else as waited for. */
  readonly ms: number;
  /** The NPU core it ran on; absent for a CPU. */
  readonly core?: number;
}

export interface PipelineOptions {
  readonly signal?: AbortSignal;
  /** Higher ones' tiles go first wherever several wait for a lane; 0 by default. */
  readonly priority?: number;
  /** A stage takes far longer than it should; it may still end. */
  readonly onSlow?: (stageName: string, ms: number) => void;
  readonly onProgress?: (progress: StageProgress) => void;
  /** Sees every stage's output, still scaled; it must not change it. */
  readonly onOutput?: (stageName: string, tile: number, output: Float32Array) => void;
}

/**
 * Sends tiles through the ordered stages. A stage runs on one lane (its NPU core; a CPU is one lane), a
 * lane runs one stage at a time, by priority, then first come first served: no stage is ever entered twice at once, also
 * when several calls share the pipeline. With more tiles in flight than one, all lanes work. A tile keeps its
 * lane through neighbouring stages of the same one (both halves of a layer): 13 tiles through 24 equal stages
 * on three cores then take 1/2.89 of the time one after the other, the most that is possible; were it to
 * queue again between the halves, 1/2.5 to 1/2.7.
 */
export class StagePipeline {
  readonly #legs: readonly Leg[];
  readonly #stageCount: number;
  readonly #tilesInFlight: number;
  readonly #lanes = new Map<number | undefined, PriorityMutex>();

  constructor(stages: readonly PipelineStage[], tilesInFlight = 1) {
    this.#legs = legsOf(stages);
    this.#stageCount = stages.length;
    this.#tilesInFlight = tilesInFlight;
  }

  /**
   * @param tileCount number of tiles @param enter gives tile i's first stream, called when its turn comes
   * @param leave takes tile i's last stream
   * @throws the first tile's failure or the signal's reason, once no stage of this call runs any more
   */
  async run(
    tileCount: number,
    enter: (tile: number) => Promise<Float32Array>,
    leave: (tile: number, stream: Float32Array) => Promise<void>,
    options: PipelineOptions = {},
  ): Promise<void> {
    const failed = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, failed.signal]) : failed.signal;
    let next = 0;
    const progress = { done: 0, total: tileCount * this.#stageCount };
    const work = async (): Promise<void> => {
      try {
        for (let tile = next++; tile < tileCount; tile = next++) {
          signal.throwIfAborted();
          await leave(tile, await this.#runTile(tile, await enter(tile), signal, progress, options));
        }
      } catch (error) {
        failed.abort(error);
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.#tilesInFlight, tileCount) }, work));
    signal.throwIfAborted();
  }

  async #runTile(
    tile: number,
    first: Float32Array,
    signal: AbortSignal,
    progress: { done: number; readonly total: number },
    { onProgress, onOutput, onSlow, priority = 0 }: PipelineOptions,
  ): Promise<Float32Array> {
    let stream: Float32Array | undefined = first;
    let lying: SharedOutput | undefined;
    const taken = new Set<SharedOutput>();
    try {
      for (const leg of this.#legs) {
        // Before the lane: a tile must not hold a core while it waits for memory. The tile furthest ahead never waits.
        for (const { output } of leg) if (output) taken.add(await taking(output));
        await this.#lane(leg).enter(async () => {
          for (const runner of leg) {
            signal.throwIfAborted();
            const { name, core } = runner.stage;
            const started = performance.now();
            stream = await runner.run(stream, (ms) => onSlow?.(name, ms));
            if (lying && taken.delete(lying)) lying.release();
            lying = runner.output;
            const output = onOutput && (stream ?? lying?.read());
            if (output) onOutput(name, tile, output);
            progress.done++;
            const ms = runner.deviceMs ?? performance.now() - started;
            onProgress?.({ ...progress, stage: name, tile, ms, ...(core !== undefined && { core }) });
          }
        }, priority);
      }
      return stream ?? first;
    } finally {
      for (const output of taken) output.release();
    }
  }

  #lane([first]: Leg): PriorityMutex {
    const core = first?.stage.core;
    let lane = this.#lanes.get(core);
    if (!lane) {
      lane = new PriorityMutex();
      this.#lanes.set(core, lane);
    }
    return lane;
  }
}

async function taking(output: SharedOutput): Promise<SharedOutput> {
  await output.take();
  return output;
}

/** Neighbouring stages of one lane. */
type Leg = readonly PipelineStage[];

function legsOf(stages: readonly PipelineStage[]): readonly Leg[] {
  const legs: PipelineStage[][] = [];
  for (const runner of stages) {
    const last = legs.at(-1);
    if (last && last[0]?.stage.core === runner.stage.core) last.push(runner);
    else legs.push([runner]);
  }
  return legs;
}
