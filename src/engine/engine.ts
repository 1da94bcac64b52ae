import { randomUUID } from 'node:crypto';
import { type ErrorBody, errorBody, SmolvlmError } from '../errors';
import type { Inference, InferenceHooks } from '../inference/inference';
import type { DescribeRequest } from '../protocol/describe-request';
import type { CameraStatus, FailureRecord, LoadedModel } from '../protocol/engine-status';
import type { FinalEvent, SuccessEvent } from '../protocol/events';
import { featuresGone } from '../protocol/features';
import type { Clock } from '../system/clock';
import { AnsweredRequests } from './answered-requests';
import { CoreLoad } from './core-load';
import type { EventStream } from './event-stream';
import { FrameQueue } from './frame-queue';
import { Lifetime } from './lifetime';
import { EngineRequest } from './request';

export interface EngineOptions {
  readonly inference: Inference;
  readonly clock: Clock;
  /** Frames a camera may have waiting, when the request does not say. */
  readonly queueCapacity: number;
  readonly maxWaiting: number;
  readonly maxWaitingBytes: number;
  /** Time from receipt to answer, when the request does not say. */
  readonly deadlineMs: number;
  /** How long a request lives on with nobody listening; its client may come back for it. */
  readonly abandonedMs: number;
  /** Exits so long after the last lease and the last request; never when absent. */
  readonly idleExitMs?: number;
  readonly onIdle?: () => void;
}

/** Options of an engine whose command line says nothing else. */
export const engineDefaults = {
  queueCapacity: 1,
  maxWaiting: 256,
  maxWaitingBytes: 512 * 1024 * 1024,
  deadlineMs: 10 * 60_000,
  abandonedMs: 30_000,
} as const;

const keptFailures = 20;

/** The request's life: queued, running, ended once; whoever asks for the same id hears the same story. */
export class Engine {
  /** Names this run; a client tells a restarted engine by it. */
  readonly instance = randomUUID();
  readonly lifetime: Lifetime;
  readonly #options: EngineOptions;
  readonly #queue: FrameQueue;
  readonly #lives = new Map<string, EngineRequest>();
  readonly #answered: AnsweredRequests;
  readonly #failures: FailureRecord[] = [];
  readonly #coreLoad: CoreLoad;
  readonly #running = new Set<Promise<void>>();
  readonly #doneListeners = new Set<(done: SuccessEvent) => void>();
  readonly #stopListeners = new Set<() => void>();
  #stopping = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    const { clock, maxWaiting, maxWaitingBytes } = options;
    this.#answered = new AnsweredRequests(clock);
    this.#coreLoad = new CoreLoad(clock);
    this.lifetime = new Lifetime(clock, options.idleExitMs, options.onIdle);
    this.#queue = new FrameQueue({
      clock,
      maxWaiting,
      maxWaitingBytes,
      onDrop: (id, reason, message) => this.#end({ type: 'dropped', id, reason, message }),
    });
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  /** Calls back when the engine begins to stop. @returns how to stop listening */
  onStop(listener: () => void): () => void {
    if (this.#stopping) listener();
    else this.#stopListeners.add(listener);
    return () => void this.#stopListeners.delete(listener);
  }

  /** Calls back for every frame described or seen. */
  onDone(listener: (done: SuccessEvent) => void): void {
    this.#doneListeners.add(listener);
  }

  /**
   * Takes a request in, or joins the one with the same id.
   * @param ifAbandoned what becomes of it when its last reader leaves: `keep` it for a while, or `cancel` it at once
   * @throws SmolvlmError `engine-stopping`
   */
  submit(
    request: DescribeRequest,
    pictures: readonly Uint8Array[],
    ifAbandoned: 'keep' | 'cancel' = 'keep',
  ): EventStream {
    const known = this.#lives.get(request.id) ?? this.#replay(request);
    if (known) return known.attach();
    if (this.stopping) {
      throw new SmolvlmError('engine-stopping', 'the engine is stopping and takes no more frames', {
        hint: 'Send the request again; a new engine answers it.',
      });
    }
    const life = this.#begin(request, pictures, ifAbandoned);
    const stream = life.attach();
    try {
      this.#queue.offer({
        id: request.id,
        camera: request.camera ?? '',
        ...(request.queue?.lane === undefined ? {} : { lane: request.queue.lane }),
        policy: request.queue?.policy ?? 'newest',
        capacity: request.queue?.capacity ?? this.#options.queueCapacity,
        priority: request.priority ?? 0,
        ...(request.maxAgeMs === undefined ? {} : { maxAgeMs: request.maxAgeMs }),
        sizeBytes: pictures.reduce((sum, picture) => sum + picture.byteLength, 0),
      });
      life.emit({ type: 'queued', id: life.id, waiting: this.#queue.waiting });
      this.#pump();
    } catch (error) {
      this.#fail(life, error);
    }
    return stream;
  }

  /** @returns whether there was such a request unanswered */
  cancel(id: string): boolean {
    return this.#drop(id, 'cancelled', 'the request was cancelled');
  }

  status(): {
    readonly cameras: Readonly<Record<string, CameraStatus>>;
    readonly models: readonly LoadedModel[];
    readonly coreLoad: readonly number[];
    readonly lastErrors: readonly FailureRecord[];
  } {
    return {
      cameras: this.#queue.status(),
      models: this.#options.inference.models(),
      coreLoad: this.#coreLoad.shares(),
      lastErrors: [...this.#failures],
    };
  }

  /**
   * Waiting requests are let go without an answer, so that their clients hand them to the next
   * engine; the running one may finish within `drainMs`.
   */
  async close(drainMs = 10_000): Promise<void> {
    this.#stopping = true;
    for (const listener of this.#stopListeners) listener();
    this.lifetime.close();
    const running = [...this.#lives.values()].filter((life) => life.started);
    for (const life of this.#lives.values()) if (!life.started) life.cut();
    let stopWaiting = (): void => {};
    const drained = new Promise<void>((resolve) => {
      stopWaiting = this.#options.clock.after(drainMs, resolve);
    });
    await Promise.race([Promise.all(this.#running), drained]);
    stopWaiting();
    for (const life of running) {
      life.cut();
      life.abort.abort();
    }
    for (const life of this.#lives.values()) life.release();
    await this.#options.inference.close();
  }

  /** A finished request's life, for one more reader. */
  #replay(request: DescribeRequest): EngineRequest | undefined {
    const final = this.#answered.get(request.id);
    if (!final) return undefined;
    const life = new EngineRequest(request, []);
    life.emit(final);
    return life;
  }

  #begin(
    request: DescribeRequest,
    pictures: readonly Uint8Array[],
    ifAbandoned: 'keep' | 'cancel',
  ): EngineRequest {
    const { clock, abandonedMs } = this.#options;
    const deadlineMs = request.deadlineMs ?? this.#options.deadlineMs;
    const { id } = request;
    const life: EngineRequest = new EngineRequest(request, pictures, clock, () => {
      if (ifAbandoned === 'cancel') this.cancel(id);
      else life.later(abandonedMs, () => life.readers === 0 && this.cancel(id));
    });
    life.later(deadlineMs, () => this.#drop(id, 'deadline', `no answer within ${deadlineMs} ms`));
    this.#lives.set(id, life);
    this.lifetime.busy(this.#lives.size);
    return life;
  }

  #drop(id: string, reason: 'cancelled' | 'deadline', message: string): boolean {
    if (this.#queue.drop(id, reason, message)) return true;
    const life = this.#lives.get(id);
    if (!life) return false;
    // The queue's count waits until the inference has let go: see #describe.
    this.#end({ type: 'dropped', id, reason, message });
    life.abort.abort();
    return true;
  }

  #pump(): void {
    while (!this.stopping && this.#running.size < this.#options.inference.framesInFlight) {
      const ticket = this.#queue.next();
      const life = ticket && this.#lives.get(ticket.id);
      if (!life) return;
      const running = this.#describe(life).finally(() => {
        this.#running.delete(running);
        this.#pump();
      });
      this.#running.add(running);
    }
  }

  async #describe(life: EngineRequest): Promise<void> {
    const { id } = life;
    const queuedMs = this.#options.clock.now() - life.receivedAtMs;
    life.emit({ type: 'progress', id, phase: 'image', done: 0, total: 1 });
    try {
      const done = await this.#infer(life, queuedMs);
      this.#coreLoad.add(done.type === 'result' ? done.result : done.features);
      this.#end(done);
      for (const listener of this.#doneListeners) listener(done);
    } catch (error) {
      this.#fail(life, error);
    }
    const { final } = life;
    const done = final?.type === 'result' || final?.type === 'features';
    this.#queue.finish(id, final?.type === 'dropped' ? final.reason : done ? 'done' : 'failed');
  }

  /** @throws whatever the inference throws */
  async #infer(life: EngineRequest, queuedMs: number): Promise<SuccessEvent> {
    const { request, id } = life;
    const { inference } = this.#options;
    const { camera, capturedAt } = request;
    const hooks: InferenceHooks = {
      signal: life.abort.signal,
      onProgress: (progress) => life.emit({ type: 'progress', id, ...progress }),
      onToken: (text) => request.stream && life.emit({ type: 'token', id, text }),
    };
    const frame = {
      queuedMs,
      ...(camera === undefined ? {} : { camera }),
      ...(capturedAt === undefined ? {} : { capturedAt }),
    };
    if (request.task !== 'features') {
      const caption = await inference.describe(life.pictures, request, hooks);
      return { type: 'result', id, result: { ...caption, ...frame } };
    }
    const sight = await inference.encode(life.pictures, request, hooks);
    const handles = sight.handles.map((handle) => ({ engine: this.instance, ...handle }));
    return { type: 'features', id, features: { ...sight, ...frame, handles } };
  }

  #fail(life: EngineRequest, thrown: unknown): void {
    if (life.final) return;
    const error = errorBody(thrown);
    // Features may always be gone: the client sends the picture then, and nothing is wrong.
    if (error.code !== featuresGone) this.#remember(life, error);
    this.#end({ type: 'error', id: life.id, error });
  }

  #remember({ request }: EngineRequest, error: ErrorBody): void {
    this.#failures.push({ at: new Date().toISOString(), camera: request.camera ?? '', error });
    if (this.#failures.length > keptFailures) this.#failures.shift();
  }

  #end(final: FinalEvent): void {
    const life = this.#lives.get(final.id);
    if (!life?.emit(final)) return;
    this.#lives.delete(final.id);
    this.#answered.add(final);
    this.lifetime.busy(this.#lives.size);
  }
}
