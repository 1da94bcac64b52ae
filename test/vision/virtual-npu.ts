import { setImmediate as settled } from 'node:timers/promises';
import type { StageRunner } from '../../src/backends/stage-runner';
import { StagePipeline } from '../../src/vision/stage-pipeline';

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
    const stages = Array.from({ length: this.stageCount }, (_, index) => this.#stage(index));
    const started = this.#now;
    let over = false;
    const run = new StagePipeline(stages, tilesInFlight)
      .run(
        tiles,
        async (tile) => Float32Array.of(tile),
        async () => undefined,
      )
      .finally(() => {
        over = true;
      });
    for (;;) {
      await settled();
      if (over) break;
      this.#goOn();
    }
    await run;
    return this.#now - started;
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
