import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type ErrorBody, SmolvlmError } from '../../errors';
import { PriorityMutex } from '../../system/async/priority-mutex';
import type { PictureOptions, PreparedPicture } from './prepare-picture';

export interface PicturePoolOptions {
  /** Pictures that are prepared at a time. With 2 or more, one of them is left to pictures that are not large. */
  readonly threads?: number;
  /** The program of the threads, for tests. */
  readonly program?: string;
}

export interface PictureTask {
  /** One of these is prepared at a time: it takes seconds on a small hub, and up to 0.5 GB of memory. */
  readonly large: boolean;
  /** Higher goes first. */
  readonly priority: number;
  /** Aborted, a picture that waits is given up; one that is being prepared is not. */
  readonly signal: AbortSignal;
}

/** One for a large picture, one for the pictures of other cameras. */
const defaultPictureThreads = 2;

interface Waiting {
  readonly priority: number;
  readonly start: (worker: Worker) => void;
}

/** Threads that prepare pictures, one picture each; at most one of the pictures is large. */
export class PicturePool {
  readonly #threads: number;
  readonly #program: string;
  readonly #largeMutex = new PriorityMutex();
  readonly #all = new Set<Worker>();
  readonly #idle: Worker[] = [];
  readonly #waiting: Waiting[] = [];

  constructor({ threads = defaultPictureThreads, program }: PicturePoolOptions = {}) {
    this.#threads = threads;
    this.#program = program ?? join(__dirname, 'picture-thread.js');
  }

  /** @throws ImageError; SmolvlmError `image-thread-lost`; the signal's reason when it aborts before a thread is free */
  prepare(bytes: Uint8Array, options: PictureOptions, task: PictureTask): Promise<PreparedPicture> {
    const run = (): Promise<PreparedPicture> => this.#prepare(bytes, options, task);
    return task.large ? this.#largeMutex.enter(run, task.priority, task.signal) : run();
  }

  /** Ends the threads once their pictures are prepared; call it when none waits. */
  async close(): Promise<void> {
    await Promise.all([...this.#all].map((worker) => worker.terminate()));
  }

  async #prepare(
    bytes: Uint8Array,
    options: PictureOptions,
    { priority, signal }: PictureTask,
  ): Promise<PreparedPicture> {
    signal.throwIfAborted();
    const worker = await this.#free(priority, signal);
    try {
      return await prepareIn(worker, bytes, options);
    } finally {
      this.#release(worker);
    }
  }

  async #free(priority: number, signal: AbortSignal): Promise<Worker> {
    const idle = this.#idle.pop();
    if (idle) return idle;
    if (this.#all.size < this.#threads) return this.#start();
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        reject(signal.reason);
      };
      const start = (worker: Worker): void => {
        signal.removeEventListener('abort', giveUp);
        resolve(worker);
      };
      const entry = { priority, start };
      const behind = this.#waiting.findIndex((other) => other.priority < priority);
      this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, entry);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  #start(): Worker {
    const worker = new Worker(this.#program);
    // An idle thread does not keep the process running; see `prepareIn`.
    worker.unref();
    // Its picture fails with it.
    worker.on('error', () => {});
    worker.once('exit', () => {
      this.#all.delete(worker);
      const at = this.#idle.indexOf(worker);
      if (at >= 0) this.#idle.splice(at, 1);
    });
    this.#all.add(worker);
    return worker;
  }

  #release(worker: Worker): void {
    const next = this.#waiting.shift();
    const has = this.#all.has(worker);
    if (next) next.start(has ? worker : this.#start());
    else if (has) this.#idle.push(worker);
  }
}

type Answer = { readonly picture: PreparedPicture } | { readonly error: ErrorBody };

function prepareIn(worker: Worker, bytes: Uint8Array, options: PictureOptions): Promise<PreparedPicture> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      worker.off('message', answered);
      worker.off('error', failed);
      worker.off('exit', exited);
      worker.unref();
    };
    const answered = (answer: Answer): void => {
      settle();
      if ('picture' in answer) resolve(answer.picture);
      else reject(SmolvlmError.from(answer.error));
    };
    let cause: Error | undefined;
    const failed = (error: Error): void => {
      cause = error;
    };
    const exited = (): void => {
      settle();
      const why = cause === undefined ? '' : `: ${cause.message}`;
      reject(
        new SmolvlmError('image-thread-lost', `the thread that prepared the picture ended${why}`, {
          hint: 'The next picture starts another thread. If this happens often, check the memory of this machine.',
          cause,
        }),
      );
    };
    worker.on('message', answered);
    worker.on('error', failed);
    worker.on('exit', exited);
    worker.ref();
    // A copy of these bytes alone, which moves to the thread: `bytes` may be part of a large body.
    const copy = new Uint8Array(bytes);
    worker.postMessage({ bytes: copy, options }, [copy.buffer]);
  });
}
