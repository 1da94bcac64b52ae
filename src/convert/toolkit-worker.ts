import { type ChildProcess, spawn } from 'node:child_process';
import { close, open } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import { promisify } from 'node:util';
import { SmolvlmError } from '../errors';

/** The toolkit release whose files and cosines were measured; another one is refused. */
export const toolkitVersion = '2.5.0';

/** From dist/src/convert. */
const workerScript = join(__dirname, '..', '..', '..', 'python', 'convert_worker.py');

export interface ToolkitJob {
  readonly onnx: string;
  /** Where the .rknn goes. */
  readonly output: string;
  readonly target: 'rk3588' | 'rk3576';
  readonly quantize: boolean;
  /** .npy files of calibration inputs, for `quantize`. */
  readonly calibration: readonly string[];
  /** Raw float32 files to run through the simulator once built, and where their results go. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Of each input, [1, tokens, hidden]. */
  readonly shape: readonly number[];
}

export interface ToolkitResult {
  readonly seconds: number;
  /** Largest memory of the worker so far. */
  readonly peakRssBytes: number;
}

type WorkerEvent =
  | { readonly event: 'ready'; readonly toolkit: string; readonly python: string }
  | { readonly event: 'phase'; readonly id: number; readonly phase: string }
  | { readonly event: 'done'; readonly id: number; readonly seconds: number; readonly peak_rss_bytes: number }
  | { readonly event: 'failed'; readonly id: number | null; readonly message: string };

export interface WorkerOptions {
  /** The environment's interpreter. */
  readonly python: string;
  /** Takes all the toolkit prints. */
  readonly logFile: string;
}

interface Waiting {
  resolve(event: WorkerEvent): void;
  reject(error: Error): void;
}

/** One Python process with rknn-toolkit2 loaded; runs one job at a time. */
export class ToolkitWorker implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #options: WorkerOptions;
  #waiting: Waiting | undefined;
  #fault: SmolvlmError | undefined;
  #nextId = 1;

  private constructor(child: ChildProcess, options: WorkerOptions) {
    this.#child = child;
    this.#options = options;
    this.#ended = new Promise((resolve) => child.once('close', () => resolve()));
    child.once('error', (error) => this.#fail('cannot be started', error));
    child.once('exit', (status, signal) => this.#fail(`ended with ${signal ?? status}`));
    const events = child.stdio[4];
    if (events && 'read' in events) createInterface({ input: events }).on('line', (line) => this.#hear(line));
    // Writing to a worker that has just died fails here; the exit says so to whoever waits.
    child.stdio[3]?.on('error', () => undefined);
  }

  /** @throws SmolvlmError `toolkit-version`, `toolkit-missing`, `toolkit-worker-lost` */
  static async start(options: WorkerOptions): Promise<ToolkitWorker> {
    const log = await promisify(open)(options.logFile, 'a');
    let worker: ToolkitWorker;
    try {
      const child = spawn(options.python, [workerScript], {
        stdio: ['ignore', log, log, 'pipe', 'pipe'],
        // Two workers that each take all cores are slower than two that take one.
        env: { ...process.env, OMP_NUM_THREADS: '1', PYTHONDONTWRITEBYTECODE: '1' },
      });
      worker = new ToolkitWorker(child, options);
    } finally {
      await promisify(close)(log);
    }
    try {
      await worker.#ready();
      return worker;
    } catch (error) {
      await worker[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Builds a stage, and runs it in the simulator when inputs are given. @throws SmolvlmError `toolkit-failed`, `toolkit-worker-lost` */
  async run(job: ToolkitJob): Promise<ToolkitResult> {
    const id = this.#nextId++;
    const answer = this.#nextEvent();
    (this.#child.stdio[3] as Writable).write(`${JSON.stringify({ id, ...job })}\n`);
    const event = await answer;
    if (event.event === 'done') return { seconds: event.seconds, peakRssBytes: event.peak_rss_bytes };
    const message = event.event === 'failed' ? event.message : `answered "${event.event}"`;
    throw new SmolvlmError('toolkit-failed', `rknn-toolkit2 did not convert ${job.onnx}: ${message}`, {
      hint: `The toolkit's own words are in ${this.#options.logFile}.`,
    });
  }

  /** Ends the process, in the middle of a job too. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  async #ready(): Promise<void> {
    const event = await this.#nextEvent();
    if (event.event === 'ready' && event.toolkit === toolkitVersion) return;
    if (event.event === 'ready') {
      throw new SmolvlmError(
        'toolkit-version',
        `${this.#options.python}: expected rknn-toolkit2 ${toolkitVersion}, found ${event.toolkit}`,
        { hint: 'Run smolvlm convert --setup for an environment with the right one.' },
      );
    }
    throw new SmolvlmError(
      'toolkit-missing',
      `${this.#options.python}: ${event.event === 'failed' ? event.message : event.event}`,
      { hint: 'Run smolvlm convert --setup.' },
    );
  }

  #nextEvent(): Promise<WorkerEvent> {
    if (this.#fault) return Promise.reject(this.#fault);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  #hear(line: string): void {
    const event = JSON.parse(line) as WorkerEvent;
    if (event.event === 'phase') return;
    this.#waiting?.resolve(event);
    this.#waiting = undefined;
  }

  #fail(what: string, cause?: Error): void {
    this.#fault ??= new SmolvlmError(
      'toolkit-worker-lost',
      `the conversion worker (${this.#options.python}) ${what}`,
      {
        hint: `Often the machine ran out of memory; a worker needs about 0.9 GB. Log: ${this.#options.logFile}.`,
        cause,
      },
    );
    this.#waiting?.reject(this.#fault);
    this.#waiting = undefined;
  }
}
