import { availableParallelism, freemem } from 'node:os';
import { SmolvlmError } from '../../errors';
import { ToolkitWorker, type WorkerOptions } from './toolkit-worker';

/** Measured with half-layers of SmolVLM-256M: 0.9 GB with one model, about 0.2 GB for each further one kept. */
const workerBytes = 1.1e9;

/** As many workers as cores and free memory allow, at least one. */
export function workerCount(cores = availableParallelism(), freeBytes = freemem()): number {
  return Math.max(1, Math.min(cores, Math.floor(freeBytes / workerBytes)));
}

/** The functions of a worker that a stage's conversion uses. */
export type StageWorker = Pick<ToolkitWorker, 'build' | 'simulate' | 'release'>;

/** Assigns workers to stages. */
export interface StageWorkers extends AsyncDisposable {
  /** Runs `work` with its own worker. */
  use<T>(work: (worker: StageWorker) => Promise<T>): Promise<T>;
}

interface Waiting {
  resolve(worker: ToolkitWorker): void;
  reject(error: Error): void;
}

/** Workers are assigned first come, first served; each is started when it is first needed. */
export class ToolkitPool implements StageWorkers {
  readonly #options: WorkerOptions;
  readonly #size: number;
  readonly #started: ToolkitWorker[] = [];
  readonly #idle: ToolkitWorker[] = [];
  readonly #waiting: Waiting[] = [];
  #starting = 0;
  #closing: Promise<void> | undefined;

  constructor(options: WorkerOptions, size = workerCount()) {
    this.#options = options;
    this.#size = size;
  }

  async use<T>(work: (worker: ToolkitWorker) => Promise<T>): Promise<T> {
    const worker = await this.#acquire();
    try {
      return await work(worker);
    } finally {
      const next = this.#waiting.shift();
      if (next) next.resolve(worker);
      else this.#idle.push(worker);
    }
  }

  /** Ends all workers, even in the middle of a job; waiting calls fail with `toolkit-worker-lost`. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const { reject } of this.#waiting.splice(0)) reject(ended());
    await Promise.all(this.#started.map((worker) => worker[Symbol.asyncDispose]()));
  }

  async #acquire(): Promise<ToolkitWorker> {
    if (this.#closing !== undefined) throw ended();
    const idle = this.#idle.pop();
    if (idle) return idle;
    if (this.#started.length + this.#starting >= this.#size) {
      return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    }
    this.#starting++;
    try {
      const worker = await ToolkitWorker.start(this.#options);
      if (this.#closing !== undefined) {
        await worker[Symbol.asyncDispose]();
        throw ended();
      }
      this.#started.push(worker);
      return worker;
    } finally {
      this.#starting--;
    }
  }
}

function ended(): SmolvlmError {
  return new SmolvlmError('toolkit-worker-lost', 'the conversion was stopped');
}
