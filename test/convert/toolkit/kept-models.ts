import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StageWorker, StageWorkers } from '../../../src/convert/toolkit/toolkit-pool';
import { type BuildResult, type Toolkit, ToolkitWorker } from '../../../src/convert/toolkit/toolkit-worker';

interface Kept {
  readonly worker: ToolkitWorker;
  /** The .rknn file. */
  readonly path: string;
  readonly result: Promise<BuildResult>;
}

/**
 * Workers that keep every model they built, so that conversions of one checkpoint in several precisions build each
 * stage once in each: the toolkit's result for the same stage does not change, and building it takes seconds.
 */
export class KeptModels implements AsyncDisposable {
  readonly #kept = new Map<string, Kept>();

  private constructor(
    private readonly dir: string,
    private readonly workers: readonly ToolkitWorker[],
  ) {}

  static async start(dir: string, toolkit: Toolkit, count: number): Promise<KeptModels> {
    const options = { toolkit, logFile: join(dir, 'kept.log') };
    const workers = Array.from({ length: count }, () => ToolkitWorker.start(options));
    return new KeptModels(dir, await Promise.all(workers));
  }

  /** How many stages were built, whatever the precision. */
  get builds(): number {
    return this.#kept.size;
  }

  /** For one conversion. */
  lend(): StageWorkers {
    const worker: StageWorker = {
      build: async (job) => {
        const kept = this.#kept.get(job.model) ?? this.#build(job);
        const result = await kept.result;
        await copyFile(kept.path, job.output);
        return result;
      },
      simulate: (model, input, shape) => this.#worker(model).simulate(model, input, shape),
      release: () => Promise.resolve(),
    };
    return { use: (work) => work(worker), [Symbol.asyncDispose]: () => Promise.resolve() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.workers) await worker[Symbol.asyncDispose]();
  }

  #build(job: Parameters<StageWorker['build']>[0]): Kept {
    const worker = this.workers[this.#kept.size % this.workers.length] as ToolkitWorker;
    const path = join(this.dir, `${job.model}.rknn`);
    const kept = { worker, path, result: worker.build({ ...job, output: path }) };
    this.#kept.set(job.model, kept);
    return kept;
  }

  #worker(model: string): ToolkitWorker {
    const kept = this.#kept.get(model);
    if (!kept) throw new RangeError(`${model} was not built`);
    return kept.worker;
  }
}
