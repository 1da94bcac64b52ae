import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import { SmolvlmError } from '../../errors';
import { type RknnToolkit, rknnToolkits } from '../../model/bundle/rknn-toolkits';
import {
  type NpuTarget,
  type ToolkitVersion,
  toolkitVersions,
} from '../../protocol/models/conversion-choices';
import { Mutex } from '../../system/async/mutex';
import { packageFile } from '../../system/files/package-file';
import { pythonEnvironment } from './python-environment';

export const workerScript = packageFile('python', 'convert_worker.py');

/** An interpreter with rknn-toolkit2, and which release it is. */
export interface Toolkit {
  readonly python: string;
  readonly version: ToolkitVersion;
}

export interface BuildJob {
  /** The worker keeps the built model under this name for `simulate`. */
  readonly model: string;
  readonly onnx: string;
  /** Where the .rknn goes. */
  readonly output: string;
  readonly target: NpuTarget;
  /** .npy files of inputs to quantise with; none: fp16. */
  readonly calibration: readonly string[];
}

export interface BuildResult {
  readonly seconds: number;
  /** Largest memory of the worker so far. */
  readonly peakRssBytes: number;
}

type WorkerJob =
  | (BuildJob & RknnToolkit & { readonly do: 'build'; readonly quantize: boolean })
  | {
      readonly do: 'simulate';
      readonly model: string;
      readonly input: string;
      readonly output: string;
      readonly shape: readonly number[];
    }
  | { readonly do: 'release'; readonly model: string };

type WorkerEvent =
  | { readonly event: 'ready'; readonly toolkit: string; readonly python: string }
  | { readonly event: 'done'; readonly id: number; readonly seconds: number; readonly peak_rss_bytes: number }
  | { readonly event: 'failed'; readonly id: number | null; readonly message: string };

export interface WorkerOptions {
  /** Any other release is refused. */
  readonly toolkit: Toolkit;
  /** Receives everything the toolkit prints. */
  readonly logFile: string;
  /** The program to run, for tests; it speaks the protocol described in `convert_worker.py`. */
  readonly script?: string;
}

interface Waiting {
  resolve(event: WorkerEvent): void;
  reject(error: Error): void;
}

/** One Python process with rknn-toolkit2 loaded; runs one job at a time, in the order they are given. */
export class ToolkitWorker implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #options: WorkerOptions;
  /** The process's working folder; also carries tensors to and from the simulator. */
  readonly #scratch: string;
  #waiting: Waiting | undefined;
  readonly #mutex = new Mutex();
  #fault: SmolvlmError | undefined;
  #nextId = 1;

  private constructor(child: ChildProcess, scratch: string, options: WorkerOptions) {
    this.#child = child;
    this.#scratch = scratch;
    this.#options = options;
    this.#ended = new Promise((resolve) => child.once('close', () => resolve()));
    child.once('error', (error) => this.#fail('cannot be started', error));
    child.once('exit', (status, signal) => this.#fail(`ended with ${signal ?? status}`));
    const events = child.stdio[4];
    if (events && 'read' in events)
      createInterface({ input: events }).on('line', (line) => this.#onEvent(line));
    // Writing to a worker that has just crashed fails here; its exit rejects the pending job.
    child.stdio[3]?.on('error', () => undefined);
  }

  /** @throws SmolvlmError `toolkit-version`, `toolkit-missing`, `toolkit-worker-lost` */
  static async start(options: WorkerOptions): Promise<ToolkitWorker> {
    // Beside the log, where there is space for the bundle; $TMPDIR may be small. The worker removes a folder of this name
    // when this process has ended.
    const scratch = await mkdtemp(join(resolve(dirname(options.logFile)), 'smolvlm-toolkit-'));
    const log = await open(options.logFile, 'a');
    let worker: ToolkitWorker;
    let ready: Promise<void>;
    try {
      const child = spawn(options.toolkit.python, [options.script ?? workerScript], {
        cwd: scratch,
        stdio: ['ignore', log.fd, log.fd, 'pipe', 'pipe'],
        // Two workers that each use all cores are slower than two that use one.
        env: pythonEnvironment({ TMPDIR: scratch, OMP_NUM_THREADS: '1', PYTHONDONTWRITEBYTECODE: '1' }),
      });
      worker = new ToolkitWorker(child, scratch, options);
      // Listen immediately: an event that arrives while the log is being closed must not be missed.
      ready = worker.#ready();
      ready.catch(() => undefined);
    } finally {
      await log.close();
    }
    try {
      await ready;
      return worker;
    } catch (error) {
      await worker[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Builds a .rknn file and keeps the model for the simulator. @throws SmolvlmError `toolkit-failed`, `toolkit-worker-lost` */
  async build(job: BuildJob): Promise<BuildResult> {
    const { seconds, peak_rss_bytes } = await this.#run(job.onnx, {
      do: 'build',
      quantize: job.calibration.length > 0,
      ...rknnToolkits[this.#options.toolkit.version],
      ...job,
    });
    return { seconds, peakRssBytes: peak_rss_bytes };
  }

  /**
   * Runs a model built here in the toolkit's simulator.
   * @param input float32 of `shape` @returns float32, already rounded through fp16 by the simulator
   */
  async simulate(model: string, input: Float32Array, shape: readonly number[]): Promise<Float32Array> {
    const files = { input: join(this.#scratch, 'in.raw'), output: join(this.#scratch, 'out.raw') };
    return this.#mutex.run(async () => {
      await writeFile(files.input, new Uint8Array(input.buffer, input.byteOffset, input.byteLength));
      await this.#request(model, { do: 'simulate', model, shape, ...files });
      return new Float32Array(Uint8Array.from(await readFile(files.output)).buffer);
    });
  }

  /** Releases a model. */
  async release(model: string): Promise<void> {
    await this.#run(model, { do: 'release', model });
  }

  /** Ends the process, even in the middle of a job. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
    await rm(this.#scratch, { recursive: true, force: true });
  }

  #run(what: string, job: WorkerJob) {
    return this.#mutex.run(() => this.#request(what, job));
  }

  async #request(what: string, job: WorkerJob): Promise<WorkerEvent & { event: 'done' }> {
    const answer = this.#nextEvent();
    (this.#child.stdio[3] as Writable).write(`${JSON.stringify({ id: this.#nextId++, ...job })}\n`);
    const event = await answer;
    if (event.event === 'done') return event;
    const message = event.event === 'failed' ? event.message : `answered "${event.event}"`;
    const verb = { build: 'convert', simulate: 'simulate', release: 'release' }[job.do];
    throw new SmolvlmError('toolkit-failed', `rknn-toolkit2 did not ${verb} ${what}: ${message}`, {
      hint: `The toolkit's own message is in ${this.#options.logFile}.`,
    });
  }

  async #ready(): Promise<void> {
    const event = await this.#nextEvent();
    const { python, version } = this.#options.toolkit;
    if (event.event === 'ready' && event.toolkit === version) return;
    if (event.event === 'ready') throw wrongToolkit(python, version, event.toolkit);
    throw new SmolvlmError(
      'toolkit-missing',
      `${python}: ${event.event === 'failed' ? event.message : event.event}`,
      { hint: `Run smolvlm convert --setup --toolkit ${version}.` },
    );
  }

  #nextEvent(): Promise<WorkerEvent> {
    if (this.#fault) return Promise.reject(this.#fault);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  #onEvent(line: string): void {
    let event: WorkerEvent;
    try {
      event = JSON.parse(line) as WorkerEvent;
    } catch (error) {
      this.#fail(`wrote a line that is not an event: ${line.slice(0, 80)}`, error as Error);
      return;
    }
    this.#waiting?.resolve(event);
    this.#waiting = undefined;
  }

  #fail(what: string, cause?: Error): void {
    this.#fault ??= new SmolvlmError(
      'toolkit-worker-lost',
      `the conversion worker (${this.#options.toolkit.python}) ${what}`,
      {
        hint: `Often the machine has run out of memory: a worker needs about 0.9 GB. Log: ${this.#options.logFile}.`,
        cause,
      },
    );
    this.#waiting?.reject(this.#fault);
    this.#waiting = undefined;
  }
}

/** The error for an environment with another release. */
export function wrongToolkit(python: string, expected: ToolkitVersion, found: string): SmolvlmError {
  return new SmolvlmError(
    'toolkit-version',
    `${python}: expected rknn-toolkit2 ${expected}, found ${found}`,
    {
      hint: `Supported: ${toolkitVersions.join(' and ')} (--toolkit). smolvlm convert --setup --toolkit ${expected} makes an environment for it.`,
    },
  );
}
