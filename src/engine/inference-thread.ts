import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type ErrorBody, SmolvlmError } from '../errors';
import type { Caption, FeaturesAnswer, Inference, InferenceHooks } from '../inference/inference';
import {
  type FromInference,
  type InferenceSetup,
  jobSlots,
  slotOf,
  type ToInference,
} from '../inference/inference-messages';
import type { DescribeRequest } from '../protocol/describe-request';
import type { LoadedModel } from '../protocol/engine-status';
import { afterRunning, type Clock } from '../system/clock';
import { defined } from '../system/defined';
import { disableTelemetry } from '../system/no-telemetry';

export interface InferenceThreadOptions extends Omit<InferenceSetup, 'cancelledJobs'> {
  readonly clock: Clock;
  /** The thread and its models are closed after this long without a request. */
  readonly idleUnloadMs: number;
  /** A cancelled job that has not returned after this counts as hung. */
  readonly hangMs: number;
  /** Called for a hung job: nothing but the end of the process ends a hung native call. */
  readonly onHang: () => void;
  /** Called when a device call will never return; the same applies. */
  readonly onDeviceLost?: (error: ErrorBody) => void;
}

interface Job {
  readonly worker: Worker;
  readonly hooks: InferenceHooks;
  /** Ends the work that the job does aside. */
  onReady: () => void;
  readonly resolve: (answer: Caption | FeaturesAnswer) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The request side of the inference thread: starts it, sends it jobs, unloads it when idle. A thread that crashes fails
 * its own jobs only, and the next job starts another.
 */
export class InferenceThread implements Inference {
  readonly #options: InferenceThreadOptions;
  readonly #cancelledJobs = new Int32Array(new SharedArrayBuffer(4 * jobSlots));
  readonly #jobs = new Map<number, Job>();
  #worker: Worker | undefined;
  /** Settles when the previous thread has ended and released its models and devices. */
  #closing: Promise<void> | undefined;
  #models: readonly LoadedModel[] = [];
  #lastJob = 0;
  #cancelUnload: (() => void) | undefined;

  constructor(options: InferenceThreadOptions) {
    this.#options = options;
  }

  models(): readonly LoadedModel[] {
    return this.#models;
  }

  /** The smallest limit among the loaded models; 1 before a model is loaded. Half of the slots are for frames that give way. */
  get framesInFlight(): number {
    const counts = this.#models.map((model) => model.framesInFlight);
    return counts.length === 0 ? 1 : Math.min(...counts, jobSlots / 2);
  }

  async describe(
    pictures: readonly Uint8Array[],
    request: DescribeRequest,
    hooks: InferenceHooks,
  ): Promise<Caption> {
    return (await this.#run('describe', pictures, request, hooks)) as Caption;
  }

  async encode(
    pictures: readonly Uint8Array[],
    request: DescribeRequest,
    hooks: InferenceHooks,
  ): Promise<FeaturesAnswer> {
    return (await this.#run('encode', pictures, request, hooks)) as FeaturesAnswer;
  }

  async #run(
    type: 'describe' | 'encode',
    pictures: readonly Uint8Array[],
    request: DescribeRequest,
    hooks: InferenceHooks,
  ): Promise<Caption | FeaturesAnswer> {
    // A second thread would find the NPU locked by this very process.
    while (this.#closing !== undefined) await this.#closing;
    hooks.signal.throwIfAborted();
    this.#cancelUnload?.();
    this.#worker ??= this.#start();
    const worker = this.#worker;
    this.#lastJob += 1;
    const job = this.#lastJob;
    let stopHangTimer = (): void => {};
    const cancel = (): void => {
      Atomics.store(this.#cancelledJobs, slotOf(job), job);
      post(worker, { type: 'cancel', job });
      stopHangTimer = afterRunning(this.#options.clock, this.#options.hangMs, this.#options.onHang);
    };
    hooks.signal.addEventListener('abort', cancel, { once: true });
    try {
      return await new Promise<Caption | FeaturesAnswer>((resolve, reject) => {
        this.#jobs.set(job, { worker, hooks, resolve, reject, onReady: () => {} });
        post(worker, { type, job, request, pictures });
        if (hooks.signal.aborted) cancel();
      });
    } finally {
      hooks.signal.removeEventListener('abort', cancel);
      stopHangTimer();
      this.#jobs.get(job)?.onReady();
      this.#jobs.delete(job);
      this.#cancelUnload?.();
      // Without a thread, as after a close while the job ran, nothing is left to unload.
      if (this.#jobs.size === 0 && this.#worker) {
        this.#cancelUnload = this.#options.clock.after(this.#options.idleUnloadMs, () => void this.close());
      }
    }
  }

  /** Closes the models and ends the thread; a later request starts another, once this one has ended. */
  async close(): Promise<void> {
    this.#cancelUnload?.();
    const worker = this.#worker;
    if (worker) {
      this.#worker = undefined;
      this.#models = [];
      this.#closing = this.#end(worker).finally(() => {
        this.#closing = undefined;
      });
    }
    await this.#closing;
  }

  async #end(worker: Worker): Promise<void> {
    const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    post(worker, { type: 'close' });
    const stopHangTimer = afterRunning(this.#options.clock, this.#options.hangMs, this.#options.onHang);
    await exited;
    stopHangTimer();
  }

  #start(): Worker {
    const { captionerModule, defaultModel, checkpoint, threads, precision, settings, modelLimitBytes } =
      this.#options;
    const workerData: InferenceSetup = {
      captionerModule,
      ...defined({ defaultModel, checkpoint, threads, precision, settings }),
      modelLimitBytes,
      cancelledJobs: this.#cancelledJobs,
    };
    // The worker loads onnxruntime, and only the main thread can switch its telemetry off.
    disableTelemetry();
    const worker = new Worker(join(__dirname, '..', 'inference', 'inference-worker.js'), { workerData });
    let cause: unknown;
    worker.on('message', (message: FromInference) => this.#receive(worker, message));
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', () => this.#lost(worker, cause));
    return worker;
  }

  #receive(worker: Worker, message: FromInference): void {
    const job = 'job' in message ? this.#jobs.get(message.job) : undefined;
    switch (message.type) {
      case 'models':
        if (worker === this.#worker) this.#models = message.models;
        break;
      case 'device-lost':
        this.#options.onDeviceLost?.(message.error);
        break;
      case 'progress':
        job?.hooks.onProgress(message.progress);
        break;
      case 'token':
        job?.hooks.onToken(message.text, message.logprobs);
        break;
      case 'aside':
        if (job) void setAside(message.job, job);
        break;
      case 'ready':
        job?.onReady();
        break;
      case 'done':
        job?.resolve(message.answer);
        break;
      case 'failed':
        job?.reject(SmolvlmError.from(message.error));
        break;
    }
  }

  #lost(worker: Worker, cause: unknown): void {
    if (worker === this.#worker) {
      this.#worker = undefined;
      this.#models = [];
    }
    const why = cause instanceof Error ? `: ${cause.message}` : '';
    for (const job of this.#jobs.values()) {
      if (job.worker !== worker) continue;
      job.reject(
        new SmolvlmError(
          'engine-thread-lost',
          `the inference thread ended while it worked on the frame${why}`,
          {
            hint: 'The next frame starts another thread. If this happens often, check the memory of this machine.',
            cause,
          },
        ),
      );
    }
  }
}

/** Another frame may run in the job's place until the job is ready; then the job gets a place again. */
async function setAside(number: number, job: Job): Promise<void> {
  const { aside = (wait) => wait() } = job.hooks;
  await aside(
    () =>
      new Promise<void>((resolve) => {
        job.onReady = resolve;
      }),
  );
  post(job.worker, { type: 'place', job: number });
}

function post(worker: Worker, message: ToInference): void {
  worker.postMessage(message);
}
