import { availableParallelism, freemem } from 'node:os';
import { SmolvlmError } from '../errors';
import { ToolkitWorker, type WorkerOptions } from './toolkit-worker';

/** Measured with half-layers of SmolVLM-256M: 0.9 GB with one model, about 0.2 GB for each further one kept. */
const workerBytes = 1.1e9;

/** As many workers as cores and free memory allow, at least one. */
export function workerCount(cores = availableParallelism(), freeBytes = freemem()): number {
  return Math.max(1, Math.min(cores, Math.floor(freeBytes / workerBytes)));
}

interface Waiting {
  resolve(worker: ToolkitWorker): void;
  reject(error: Error): void;
}

/** Workers handed out first come, first served; each is started when it is first needed. */
export class ToolkitPool implements AsyncDisposable {
  readonly #options: WorkerOptions;
  readonly #size: number;
  readonly #started: ToolkitWorker[] = [];
  readonly #idle: ToolkitWorker[] = [];
  readonly #waiting: Waiting[] = [];
  #starting = 0;
  #closed = false;

  constructor(options: WorkerOptions, size = workerCount()) {
    this.#options = options;
    this.#size = size;
  }

  /** Gives a worker to `work` alone. */
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

  /** Ends all workers, in the middle of their jobs too; whoever waits for one gets `toolkit-worker-lost`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const closed = new SmolvlmError('toolkit-worker-lost', 'the conversion was ended');
    for (const { reject } of this.#waiting.splice(0)) reject(closed);
    for (const worker of this.#started.splice(0)) await worker[Symbol.asyncDispose]();
  }

  async #acquire(): Promise<ToolkitWorker> {
    const idle = this.#idle.pop();
    if (idle) return idle;
    if (this.#started.length + this.#starting >= this.#size) {
      return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    }
    this.#starting++;
    try {
      const worker = await ToolkitWorker.start(this.#options);
      if (this.#closed) await worker[Symbol.asyncDispose]();
      else this.#started.push(worker);
      return worker;
    } finally {
      this.#starting--;
    }
  }
}
