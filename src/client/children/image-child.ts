import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { type ErrorBody, SmolvlmError } from '../../errors';
import type { FrameOptions, PreparedFrame } from '../../picture/prepared-frame';
import { afterRunning, type Clock, systemClock } from '../../system/clock';

/** From dist/src/client/children. */
const workerPath = join(__dirname, '..', '..', 'image', 'frame-worker.js');

/** A picture of 64 megapixels takes seconds on a small hub; one that takes longer, while this process runs, counts as hung. */
const timeoutMs = 30_000;
const idleMs = 60_000;
const mostWaiting = 64;

interface Job {
  readonly job: number;
  readonly bytes: Uint8Array;
  readonly options: FrameOptions;
  readonly resolve: (frame: PreparedFrame) => void;
  readonly reject: (error: SmolvlmError) => void;
}

type Answer = { readonly job: number } & ({ readonly frame: PreparedFrame } | { readonly error: ErrorBody });

export interface ImageChildOptions {
  readonly timeoutMs?: number;
  readonly idleMs?: number;
  /** Decides when a picture has taken too long, and when the process has been idle long enough. */
  readonly clock?: Clock;
  /** The program, for tests. */
  readonly worker?: string;
}

/**
 * Prepares pictures in a separate process, one at a time: a picture that crashes or hangs the process fails alone, and the
 * next picture starts another process. The process is stopped when it has been idle for a while.
 */
export class ImageChild {
  readonly #options: Required<ImageChildOptions>;
  readonly #waiting: Job[] = [];
  #running: Job | undefined;
  #child: ChildProcess | undefined;
  #cancelIdle: (() => void) | undefined;
  #cancelTimeout: (() => void) | undefined;
  #lastJob = 0;
  #closed = false;

  constructor(options: ImageChildOptions = {}) {
    this.#options = { timeoutMs, idleMs, clock: systemClock, worker: workerPath, ...options };
  }

  /** @throws SmolvlmError ImageError's codes; `image-child-lost`, `image-child-slow`, `image-busy`, `image-child-closed` */
  prepare(bytes: Uint8Array, options: FrameOptions = {}): Promise<PreparedFrame> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new SmolvlmError('image-child-closed', 'the node is closing and prepares no more pictures'));
        return;
      }
      if (this.#waiting.length >= mostWaiting) {
        reject(
          new SmolvlmError('image-busy', `${mostWaiting} pictures are already waiting to be prepared`, {
            hint: 'Send pictures less often, or set a cooldown.',
          }),
        );
        return;
      }
      this.#waiting.push({ job: ++this.#lastJob, bytes, options, resolve, reject });
      this.#next();
    });
  }

  /** Ends the process; unanswered pictures fail. */
  close(): void {
    this.#closed = true;
    this.#clearTimers();
    const left = [...(this.#running ? [this.#running] : []), ...this.#waiting.splice(0)];
    this.#running = undefined;
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
    for (const { reject } of left) {
      reject(new SmolvlmError('image-child-closed', 'the node closed before the picture was ready'));
    }
  }

  #clearTimers(): void {
    this.#cancelIdle?.();
    this.#cancelTimeout?.();
  }

  #next(): void {
    this.#clearTimers();
    if (this.#running) return;
    const next = this.#waiting.shift();
    if (!next) {
      const { clock, idleMs } = this.#options;
      this.#cancelIdle = clock.after(idleMs, () => this.#stop(), { keepsProcess: false });
      return;
    }
    this.#running = next;
    const { job, bytes, options } = next;
    this.#child ??= this.#start();
    const child = this.#child;
    child.send(
      { job, bytes, options },
      // The error may arrive after the end of the process, when another process works on the next picture.
      (error) => error && this.#ended(child, `an unreachable channel: ${error.message}`),
    );
    this.#cancelTimeout = afterRunning(this.#options.clock, this.#options.timeoutMs, () => this.#slow());
  }

  #start(): ChildProcess {
    const child = fork(this.#options.worker, [], {
      // `advanced` sends bytes without encoding them.
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: [],
    });
    child.unref();
    child.channel?.unref();
    child.on('message', (answer: Answer) => this.#answered(answer));
    child.on('error', (error) => this.#ended(child, error.message));
    child.once('exit', (code, signal) => this.#ended(child, `${signal ?? `status ${code}`}`));
    return child;
  }

  #answered(answer: Answer): void {
    const job = this.#running;
    if (!job || job.job !== answer.job) return;
    this.#running = undefined;
    if ('frame' in answer) job.resolve(answer.frame);
    else job.reject(SmolvlmError.from(answer.error));
    this.#next();
  }

  #ended(child: ChildProcess, how: string): void {
    if (child !== this.#child) return;
    this.#stop();
    this.#lost(`it ended with ${how}`);
  }

  #lost(how: string): void {
    const job = this.#running;
    if (!job) return;
    this.#running = undefined;
    job.reject(
      new SmolvlmError('image-child-lost', `the image process could not prepare the picture: ${how}`, {
        hint: 'The next picture starts another process. If the same picture fails again, please report it with the file.',
      }),
    );
    this.#next();
  }

  #slow(): void {
    const job = this.#running;
    this.#running = undefined;
    this.#stop();
    job?.reject(
      new SmolvlmError('image-child-slow', `the picture was not ready within ${this.#options.timeoutMs} ms`, {
        hint: 'Configure a smaller picture in the camera.',
      }),
    );
    this.#next();
  }

  #stop(): void {
    const child = this.#child;
    this.#child = undefined;
    child?.kill('SIGKILL');
  }
}
