import { setImmediate as settled } from 'node:timers/promises';
import type { StageRunner } from '../../src/backends/stage-runner';
import { type PipelineOptions, StagePipeline } from '../../src/vision/stage-pipeline';

const file = { path: 'x', sha256: '', sizeBytes: 0 };
const tensor = { name: 'in', dtype: 'float32', shape: [1] } as const;

/** Half-layers on cores whose stages take exact times on a virtual clock: nothing depends on this machine's speed. */
export class VirtualNpu {
  #now = 0;
  readonly #ends: { readonly at: number; readonly end: () => void }[] = [];

  /** @param stageTime of the index-th stage; default: all equal */
  constructor(
    readonly cores: number,
    readonly stageCount: number,
    readonly stageTime: (index: number) => number = () => 1,
  ) {}

  /** @returns the total time of all tiles */
  async timeOf(tiles: number, tilesInFlight: number): Promise<number> {
    const started = this.#now;
    await this.#until(runTiles(this.#pipeline(tilesInFlight), tiles));
    return this.#now - started;
  }

  /**
   * @param at time from the start of a frame until an urgent frame of one tile arrives, which holds the start of further
   * tiles back @returns the time of the urgent frame
   */
  async timeOfUrgent(tiles: number, tilesInFlight: number, at: number): Promise<number> {
    const pipeline = this.#pipeline(tilesInFlight);
    let urgent: Promise<void> | undefined;
    const frame = runTiles(pipeline, tiles, {
      aroundTile: async (run) => {
        await urgent;
        await run();
      },
    });
    const arrival = this.#now + at;
    await this.#until(new Promise<void>((end) => this.#ends.push({ at: arrival, end })));
    urgent = runTiles(pipeline, 1, { priority: 10 });
    await this.#until(urgent);
    const time = this.#now - arrival;
    await this.#until(frame);
    return time;
  }

  /** Lets time pass until the work is done. */
  async #until(work: Promise<void>): Promise<void> {
    let over = false;
    const ended = work.finally(() => {
      over = true;
    });
    for (;;) {
      await settled();
      if (over) break;
      this.#goOn();
    }
    await ended;
  }

  #pipeline(tilesInFlight: number): StagePipeline {
    const stages = Array.from({ length: this.stageCount }, (_, index) => this.#stage(index));
    return new StagePipeline(stages, tilesInFlight);
  }

  #stage(index: number): StageRunner {
    const core = Math.floor(index / 2) % this.cores;
    return {
      stage: { name: `s${index}`, file, precision: 'float32', input: tensor, output: tensor, core },
      run: async (input) => {
        const at = this.#now + this.stageTime(index);
        await new Promise<void>((end) => this.#ends.push({ at, end }));
        return input;
      },
      close: async () => undefined,
    };
  }

  /** To the next end of a stage. */
  #goOn(): void {
    this.#ends.sort((a, b) => a.at - b.at);
    const next = this.#ends.shift();
    if (!next) throw new Error('no stage runs, and tiles are left');
    this.#now = next.at;
    next.end();
  }
}

function runTiles(pipeline: StagePipeline, tiles: number, options: PipelineOptions = {}): Promise<void> {
  return pipeline.run(
    tiles,
    async (tile) => Float32Array.of(tile),
    async () => undefined,
    options,
  );
}
