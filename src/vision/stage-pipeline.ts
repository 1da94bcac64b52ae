import type { PipelineStage, SharedOutput } from '../backends/stage-runner';
import { PriorityMutex } from '../system/async/priority-mutex';
import { defined } from '../system/defined';

export interface StageProgress {
  /** Stages done, over all tiles. */
  readonly done: number;
  /** Stages × tiles. */
  readonly total: number;
  /** The one just done, e.g. `l3_mlp`. */
  readonly stage: string;
  readonly tile: number;
  /** The stage's time: on the device if it reports it, else as waited for. */
  readonly ms: number;
  /** The NPU core it ran on; absent for a CPU. */
  readonly core?: number;
}

/** Runs a tile, from its pixels to its rows: it may wait before. No tile holds a core or memory meanwhile. */
export type AroundTile = (run: () => Promise<void>) => Promise<void>;

export interface PipelineOptions {
  readonly signal?: AbortSignal;
  /** When several tiles wait for a core, the highest priority goes first; 0 by default. */
  readonly priority?: number;
  readonly aroundTile?: AroundTile;
  /** A stage takes far longer than it should; it may still end. */
  readonly onSlow?: (stageName: string, ms: number) => void;
  readonly onProgress?: (progress: StageProgress) => void;
  /** Receives every stage's output, still scaled; it must not change it. */
  readonly onOutput?: (stageName: string, tile: number, output: Float32Array) => void;
}

/**
 * Runs tiles through the ordered stages. A stage runs on its core (an NPU core; a CPU counts as one core). A mutex per
 * core lets it run one stage at a time, by priority, then first come first served: a stage never runs twice at once,
 * even when several calls share the pipeline. With several tiles in flight, all cores work. A tile keeps its
 * core for consecutive stages on it (both halves of a layer): 13 tiles through 24 equal stages
 * on three cores then take 1/2.89 of the time of one core, the best that is possible; queueing again between
 * the halves gives 1/2.5 to 1/2.7.
 */
export class StagePipeline {
  readonly #legs: readonly Leg[];
  readonly #stageCount: number;
  readonly #tilesInFlight: number;
  readonly #coreMutexes = new Map<number | undefined, PriorityMutex>();

  constructor(stages: readonly PipelineStage[], tilesInFlight = 1) {
    this.#legs = legsOf(stages);
    this.#stageCount = stages.length;
    this.#tilesInFlight = tilesInFlight;
  }

  /**
   * @param tileCount number of tiles @param enter returns tile i's first stream, called when the tile starts
   * @param leave receives tile i's last stream
   * @throws the first tile's failure or the signal's reason, once no stage of this run is still running
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
    const { aroundTile = (run) => run() } = options;
    const progress = { done: 0, total: tileCount * this.#stageCount };
    const work = async (): Promise<void> => {
      try {
        for (let tile = next++; tile < tileCount; tile = next++) {
          signal.throwIfAborted();
          await aroundTile(async () =>
            leave(tile, await this.#runTile(tile, await enter(tile), signal, progress, options)),
          );
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
    let inputMemory: SharedOutput | undefined;
    const taken = new Set<SharedOutput>();
    try {
      for (const leg of this.#legs) {
        // Before the mutex: a tile must not hold a core while it waits for memory. The tile furthest ahead never waits.
        for (const { output } of leg) if (output) taken.add(await acquired(output));
        await this.#coreMutex(leg).enter(async () => {
          for (const runner of leg) {
            signal.throwIfAborted();
            const { name, core } = runner.stage;
            const started = performance.now();
            stream = await runner.run(stream, (ms) => onSlow?.(name, ms));
            if (inputMemory && taken.delete(inputMemory)) inputMemory.release();
            inputMemory = runner.output;
            const output = onOutput && (stream ?? inputMemory?.read());
            if (output) onOutput(name, tile, output);
            progress.done++;
            const ms = runner.deviceMs ?? performance.now() - started;
            onProgress?.({ ...progress, stage: name, tile, ms, ...defined({ core }) });
          }
        }, priority);
      }
      return stream ?? first;
    } finally {
      for (const output of taken) output.release();
    }
  }

  #coreMutex([first]: Leg): PriorityMutex {
    const core = first?.stage.core;
    let mutex = this.#coreMutexes.get(core);
    if (!mutex) {
      mutex = new PriorityMutex();
      this.#coreMutexes.set(core, mutex);
    }
    return mutex;
  }
}

async function acquired(output: SharedOutput): Promise<SharedOutput> {
  await output.take();
  return output;
}

/** Consecutive stages on one core. */
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
