import { randomUUID } from 'node:crypto';
import { errorBody, SmolvlmError } from '../errors';
import type { InferenceHooks } from '../inference/inference';
import type { DescribeRequest } from '../protocol/describe-request';
import type { CameraStatus, FailureRecord, LoadedModel } from '../protocol/engine-status';
import type { FinalEvent, Preparation, SuccessEvent } from '../protocol/events';
import { featuresGone } from '../protocol/features';
import { defined } from '../system/defined';
import { AnsweredRequests } from './answered-requests';
import { AsideFrames } from './aside-frames';
import { CoreLoad } from './core-load';
import type { EngineOptions } from './engine-options';
import type { EventStream } from './event-stream';
import { FailureLog } from './failure-log';
import { FrameQueue } from './frame-queue';
import { Lifetime } from './lifetime';
import { EngineRequest } from './request';

/** Frames that may be stopped at a time for others of higher priority; each keeps its picture and what it has computed. */
const mostPaused = 4;

/** Takes requests in, queues them, runs them and ends each of them once; a repeated id gets the same events. */
export class Engine {
  /** Identifies this run of the engine: a restarted engine has another one. */
  readonly instance = randomUUID();
  readonly lifetime: Lifetime;
  readonly #options: EngineOptions;
  readonly #queue: FrameQueue;
  readonly #requests = new Map<string, EngineRequest>();
  readonly #answered: AnsweredRequests;
  /** Cancelled before they arrived: the two may come over different connections. */
  readonly #cancelledBefore: AnsweredRequests;
  readonly #failures = new FailureLog();
  readonly #coreLoad: CoreLoad;
  readonly #running = new Set<Promise<void>>();
  readonly #aside: AsideFrames;
  readonly #doneListeners = new Set<(done: SuccessEvent) => void>();
  readonly #stopListeners = new Set<() => void>();
  #stopping = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    const { clock, maxWaiting, maxWaitingBytes } = options;
    this.#answered = new AnsweredRequests({ clock });
    this.#cancelledBefore = new AnsweredRequests({ clock, keepMs: options.abandonedMs });
    this.#coreLoad = new CoreLoad(clock);
    this.lifetime = new Lifetime(clock, options.idleExitMs, options.onIdle);
    this.#queue = new FrameQueue({
      clock,
      maxWaiting,
      maxWaitingBytes,
      onDrop: (id, reason, message) => this.#end({ type: 'dropped', id, reason, message }),
    });
    this.#aside = new AsideFrames(this.#queue, () => this.#pump());
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  /** Calls back when the engine starts to stop. @returns a function that stops listening */
  onStop(listener: () => void): () => void {
    if (this.#stopping) listener();
    else this.#stopListeners.add(listener);
    return () => void this.#stopListeners.delete(listener);
  }

  /** Calls back for every frame described or encoded. */
  onDone(listener: (done: SuccessEvent) => void): void {
    this.#doneListeners.add(listener);
  }

  /**
   * Takes a request in, or joins the one with the same id.
   * @param whenAbandoned what happens when its last reader leaves: `keep` it for a while, or `cancel` it at once
   * @throws SmolvlmError `engine-stopping`
   */
  submit(
    given: DescribeRequest,
    pictures: readonly Uint8Array[],
    whenAbandoned: 'keep' | 'cancel' = 'keep',
  ): EventStream {
    const input = { ...defined({ thumbnailSide: this.#options.thumbnailSide }), ...given };
    const known = this.#requests.get(input.id) ?? this.#replay(input);
    if (known) return known.attach();
    if (this.stopping) {
      throw new SmolvlmError('engine-stopping', 'the engine is stopping and takes no more frames', {
        hint: 'Send the request again; a new engine answers it.',
      });
    }
    const request = this.#begin(input, pictures, whenAbandoned);
    const stream = request.attach();
    try {
      this.#queue.offer({
        id: input.id,
        camera: input.camera ?? '',
        policy: input.queue?.policy ?? 'newest',
        capacity: input.queue?.capacity ?? this.#options.queueCapacity,
        priority: input.priority ?? 0,
        sizeBytes: pictures.reduce((sum, picture) => sum + picture.byteLength, 0),
        ...defined({ group: input.queue?.group, maxAgeMs: input.maxAgeMs }),
      });
      request.emit({ type: 'queued', id: request.id, waiting: this.#queue.waiting });
      this.#pump();
    } catch (error) {
      this.#fail(request, error);
    }
    return stream;
  }

  /** @returns whether there was an unanswered request with this id; one that arrives a little later is not begun */
  cancel(id: string): boolean {
    const message = 'the request was cancelled';
    if (this.#drop(id, 'cancelled', message)) return true;
    this.#cancelledBefore.add({ type: 'dropped', id, reason: 'cancelled', message });
    return false;
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
      lastErrors: this.#failures.last(),
    };
  }

  /**
   * Stops. Streams of waiting requests end without a final event, so that their clients send them to the next engine;
   * running requests may finish within `drainMs`.
   */
  async close(drainMs = 10_000): Promise<void> {
    this.#stopping = true;
    for (const listener of this.#stopListeners) listener();
    this.lifetime.close();
    const running = [...this.#requests.values()].filter((request) => request.started);
    for (const request of this.#requests.values()) if (!request.started) request.cut();
    this.#queue.clear();
    let stopWaiting = (): void => {};
    const drained = new Promise<void>((resolve) => {
      stopWaiting = this.#options.clock.after(drainMs, resolve);
    });
    await Promise.race([Promise.all(this.#running), drained]);
    stopWaiting();
    for (const request of running) {
      request.cut();
      request.abort.abort();
    }
    for (const request of this.#requests.values()) request.release();
    await this.#options.inference.close();
  }

  /** A request that has ended, for one more reader. */
  #replay(input: DescribeRequest): EngineRequest | undefined {
    const final = this.#answered.get(input.id) ?? this.#cancelledBefore.get(input.id);
    if (!final) return undefined;
    const request = new EngineRequest(input, []);
    request.emit(final);
    return request;
  }

  #begin(
    input: DescribeRequest,
    pictures: readonly Uint8Array[],
    whenAbandoned: 'keep' | 'cancel',
  ): EngineRequest {
    const { clock, abandonedMs } = this.#options;
    const deadlineMs = input.deadlineMs ?? this.#options.deadlineMs;
    const { id } = input;
    const request: EngineRequest = new EngineRequest(input, pictures, clock, () => {
      if (whenAbandoned === 'cancel') this.cancel(id);
      else request.later(abandonedMs, () => request.readers === 0 && this.cancel(id));
    });
    request.later(deadlineMs, () => this.#drop(id, 'deadline', `no answer within ${deadlineMs} ms`));
    this.#requests.set(id, request);
    this.lifetime.busy(this.#requests.size);
    return request;
  }

  #drop(id: string, reason: 'cancelled' | 'deadline', message: string): boolean {
    if (this.#queue.drop(id, reason, message)) return true;
    const request = this.#requests.get(id);
    if (!request) return false;
    // It counts as running until the inference has returned: see #describe.
    this.#end({ type: 'dropped', id, reason, message });
    request.abort.abort();
    return true;
  }

  #pump(): void {
    const { framesInFlight } = this.#options.inference;
    for (
      let ready = this.#queue.nextReady(framesInFlight);
      ready;
      ready = this.#queue.nextReady(framesInFlight)
    ) {
      this.#aside.resume(ready.id);
    }
    const started = (): number => this.#running.size - this.#queue.aside;
    while (!this.stopping && started() < framesInFlight + mostPaused) {
      const ticket = this.#queue.next(framesInFlight);
      const request = ticket && this.#requests.get(ticket.id);
      if (!request) return;
      const running = this.#describe(request).finally(() => {
        this.#running.delete(running);
        this.#pump();
      });
      this.#running.add(running);
    }
  }

  async #describe(request: EngineRequest): Promise<void> {
    const { id } = request;
    const queuedMs = this.#options.clock.now() - request.receivedAtMs;
    request.emit({ type: 'progress', id, phase: 'image', done: 0, total: 1 });
    try {
      const done = await this.#infer(request, queuedMs);
      this.#coreLoad.add(done.type === 'result' ? done.result : done.features);
      this.#end(done);
      for (const listener of this.#doneListeners) listener(done);
    } catch (error) {
      this.#fail(request, error);
    }
    const { final } = request;
    const done = final?.type === 'result' || final?.type === 'features';
    this.#aside.resume(id);
    this.#queue.finish(id, final?.type === 'dropped' ? final.reason : done ? 'done' : 'failed');
  }

  /** @throws whatever the inference throws */
  async #infer(request: EngineRequest, queuedMs: number): Promise<SuccessEvent> {
    const { input, id, pictures } = request;
    const { inference } = this.#options;
    const { camera, capturedAt } = input;
    const hooks: InferenceHooks = {
      signal: request.abort.signal,
      onProgress: (progress) => {
        request.emit({ type: 'progress', id, ...progress });
        if (progress.phase === 'loading') this.#tellWaiting(progress);
      },
      onToken: (text, logprobs) =>
        input.stream && request.emit({ type: 'token', id, text, ...defined({ logprobs }) }),
      aside: (work) => this.#aside.run(id, work),
    };
    const frame = { queuedMs, ...defined({ camera, capturedAt }) };
    if (input.task !== 'features') {
      const caption = await inference.describe(pictures, input, hooks);
      return { type: 'result', id, result: { ...caption, ...frame } };
    }
    const features = await inference.encode(pictures, input, hooks);
    const handles = features.handles.map((handle) => ({ engine: this.instance, ...handle }));
    return { type: 'features', id, features: { ...features, ...frame, handles } };
  }

  /** Frames that are not taken from the queue yet wait for the model as well. */
  #tellWaiting({ done, total, secondsLeft }: Preparation): void {
    const preparing = { done, total, ...defined({ secondsLeft }) };
    for (const request of this.#requests.values()) {
      if (request.started) continue;
      request.emit({ type: 'queued', id: request.id, waiting: this.#queue.waiting, preparing });
    }
  }

  #fail(request: EngineRequest, thrown: unknown): void {
    if (request.final) return;
    const error = errorBody(thrown);
    // Features expire by design: the client sends the picture then, and nothing is wrong.
    if (error.code !== featuresGone) this.#failures.add(request.input.camera ?? '', error);
    this.#end({ type: 'error', id: request.id, error });
  }

  #end(final: FinalEvent): void {
    const request = this.#requests.get(final.id);
    if (!request?.emit(final)) return;
    this.#requests.delete(final.id);
    this.#answered.add(final);
    this.lifetime.busy(this.#requests.size);
  }
}
