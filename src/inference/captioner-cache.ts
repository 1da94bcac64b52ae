import { errorBody, SmolvlmError } from '../errors';
import type { PicturePool } from '../image/pool/picture-pool';
import type { DescribeRequest, RuntimeOptions } from '../protocol/describe-request';
import type { LoadedModel } from '../protocol/engine-status';
import type { Progress } from '../protocol/events';
import { Mutex } from '../system/async/mutex';
import { unlessAborted } from '../system/async/unless-aborted';
import { defined } from '../system/defined';
import type { InferenceSettings } from '../system/settings';
import type { Captioner, CaptionerOptions, IdentifyModel, InferenceHooks, OpenCaptioner } from './inference';

interface Loaded {
  readonly key: string;
  readonly model: string;
  readonly captioner: Captioner;
  lastUsedAt: Date;
  /** Requests that use it now. */
  users: number;
}

/** The model that a request names, with its runtime options. */
interface ModelChoice {
  readonly key: string;
  readonly model: string;
  readonly runtime: RuntimeOptions;
}

/** For how long the folder behind a spelling is not looked up again: frames that follow each other need no file access. */
const identityMs = 1_000;

type ModelRequest = Pick<DescribeRequest, 'model' | 'runtime'>;

/** What a request adds to the opening of its model. */
type OpenHooks = Pick<CaptionerOptions, 'signal' | 'onProgress' | 'onDeviceLost'>;

export interface CaptionerCacheOptions {
  readonly open: OpenCaptioner;
  /** Tells spellings of one model apart from other models; default: each spelling is a model. */
  readonly identify?: IdentifyModel;
  readonly defaultModel?: string;
  readonly checkpoint?: string;
  readonly threads?: number;
  readonly precision?: RuntimeOptions['precision'];
  readonly settings?: InferenceSettings;
  readonly pictures?: PicturePool;
  readonly modelLimitBytes: number;
  /** Called when a request has its model, and when one is closed; what a request adds to a model's memory is not told. */
  readonly onChange?: () => void;
  /** Milliseconds, never running backwards; default: of this process. */
  readonly now?: () => number;
}

/**
 * The models in memory. The least recently used ones are closed to keep within a limit, before another one is opened and
 * when caches have grown; a model in use is never closed.
 */
export class CaptionerCache {
  readonly #options: CaptionerCacheOptions;
  readonly #now: () => number;
  /** Least recently used first. */
  readonly #loaded = new Map<string, Loaded>();
  /** Models are opened and closed one at a time; requests for an open model, and finished ones, do not wait for that. */
  readonly #mutex = new Mutex();
  /** By spelling, as last found: an update of this package removes the demo model for some seconds. */
  readonly #identities = new Map<string, { readonly identity: string; readonly foundAtMs: number }>();
  /** A model about to be opened waits for memory in use: requests for open models line up behind it. */
  #waitsForRoom = false;
  /** Requests that wait for a model that is being opened, theirs or another one. */
  readonly #waiting = new Set<NonNullable<OpenHooks['onProgress']>>();
  #onReleased: () => void = () => {};

  constructor(options: CaptionerCacheOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /**
   * Runs work with a model, which is opened first if necessary.
   * @throws SmolvlmError `engine-no-model`, and whatever opening the model throws; the signal's reason when aborted
   */
  async use<T>(
    request: ModelRequest,
    { ticket, ...hooks }: OpenHooks & Pick<InferenceHooks, 'ticket'>,
    work: (captioner: Captioner) => Promise<T>,
  ): Promise<T> {
    const choice = await this.#choose(request);
    const opened = (): Promise<Loaded> =>
      this.#inTurn(() => this.#take(choice.key) ?? this.#open(choice, hooks), hooks.signal);
    const loaded =
      (this.#waitsForRoom ? undefined : this.#take(choice.key)) ??
      // Requests that use another model may have to end before this one can be opened.
      (await this.#told(hooks, () => (ticket ? ticket.aside(opened) : opened())));
    this.#options.onChange?.();
    try {
      return await work(loaded.captioner);
    } finally {
      loaded.users--;
      this.#onReleased();
      // The answer does not wait: another model may be opening, for minutes.
      if (this.#excess(0)) void this.#mutex.run(() => this.#shrink(0));
    }
  }

  models(): LoadedModel[] {
    return [...this.#loaded.values()].map(({ model, captioner, lastUsedAt }) => {
      const { backend, memoryBytes, framesInFlight, fallback, arithmetic, npuSharing } = captioner;
      const npuSharedWith = captioner.npuSharedWith ?? [];
      const isShared = npuSharedWith.length > 0;
      return {
        model,
        backend,
        memoryBytes,
        framesInFlight,
        ...defined({
          fallback,
          npuSharedWith: isShared ? npuSharedWith : undefined,
          npuSharing: isShared ? npuSharing : undefined,
          arithmetic,
        }),
        lastUsedAt: lastUsedAt.toISOString(),
      };
    });
  }

  /** Closes all models. @throws what the first that fails to close throws, when all have been tried */
  async close(): Promise<void> {
    await this.#mutex.run(async () => {
      const all = [...this.#loaded.values()];
      this.#loaded.clear();
      const failures: unknown[] = [];
      for (const { captioner } of all) await captioner.close().catch((error) => failures.push(error));
      if (failures.length > 0) throw failures[0];
    });
  }

  async #choose(request: ModelRequest): Promise<ModelChoice> {
    const model = request.model ?? this.#options.defaultModel;
    if (model === undefined) {
      throw new SmolvlmError('engine-no-model', 'the request names no model and the engine has no default', {
        hint: 'Name a model in the request, or start the engine with --model.',
      });
    }
    const { checkpoint, threads, precision } = this.#options;
    const runtime = { ...defined({ checkpoint, threads, precision }), ...request.runtime };
    const chosen = Object.entries(runtime).filter(([, value]) => value !== 'auto');
    const nowMs = this.#now();
    const known = this.#identities.get(model);
    const isFresh = known !== undefined && nowMs - known.foundAtMs < identityMs;
    const identity = isFresh ? known.identity : await this.#identify(model, known?.identity);
    const key = JSON.stringify([identity, ...chosen.sort()]);
    if (!isFresh && this.#loaded.has(key)) this.#identities.set(model, { identity, foundAtMs: nowMs });
    return { key, model, runtime };
  }

  async #identify(model: string, known: string | undefined): Promise<string> {
    const { identify, settings } = this.#options;
    if (!identify) return model;
    // Opening a model that does not exist says what is wrong with its name.
    return identify({ model, ...defined({ settings }) }).catch(() => known ?? model);
  }

  /** @returns the open model, now in use and the most recently used; undefined when it is not open */
  #take(key: string): Loaded | undefined {
    const loaded = this.#loaded.get(key);
    if (!loaded) return undefined;
    loaded.users++;
    loaded.lastUsedAt = new Date();
    this.#loaded.delete(key);
    this.#loaded.set(key, loaded);
    return loaded;
  }

  async #open({ key, model, runtime }: ModelChoice, hooks: OpenHooks): Promise<Loaded> {
    const makeRoom = (sizeBytes: number): Promise<void> => this.#makeRoom(sizeBytes, hooks.signal);
    const { settings, pictures } = this.#options;
    const onProgress = (progress: Progress): void => {
      for (const tell of this.#waiting) tell(progress);
    };
    const options = {
      ...{ model, ...runtime, ...hooks, onProgress, makeRoom },
      ...defined({ settings, pictures }),
    };
    const captioner = await this.#options.open(options);
    const loaded: Loaded = { key, model, captioner, lastUsedAt: new Date(), users: 1 };
    this.#loaded.set(key, loaded);
    await this.#shrink(0);
    return loaded;
  }

  /** Tells a request meanwhile how far the opening of the model is that it waits for. */
  async #told<T>({ onProgress }: OpenHooks, opened: () => Promise<T>): Promise<T> {
    if (!onProgress) return opened();
    // Its own function: two requests may share one.
    const tell: typeof onProgress = (progress) => onProgress(progress);
    this.#waiting.add(tell);
    try {
      return await opened();
    } finally {
      this.#waiting.delete(tell);
    }
  }

  /** Work that waits for the mutex is given up at once when the signal aborts; work that has begun is not. */
  #inTurn<T>(work: () => T | Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => reject(signal?.reason);
      signal?.addEventListener('abort', giveUp, { once: true });
      if (signal?.aborted) giveUp();
      const result = this.#mutex.run(() => {
        signal?.removeEventListener('abort', giveUp);
        signal?.throwIfAborted();
        return work();
      });
      result.then(resolve, reject);
    });
  }

  /** Closes models until another one fits; those in use are waited for. */
  async #makeRoom(sizeBytes: number, signal: AbortSignal | undefined): Promise<void> {
    this.#waitsForRoom = true;
    try {
      for (;;) {
        await this.#shrink(sizeBytes);
        if (!this.#excess(sizeBytes)) return;
        const allInUse = [...this.#loaded.values()].every(({ users }) => users > 0);
        if (allInUse) await this.#released(signal);
      }
    } finally {
      this.#waitsForRoom = false;
    }
  }

  #released(signal: AbortSignal | undefined): Promise<void> {
    const released = new Promise<void>((resolve) => {
      this.#onReleased = resolve;
    });
    return unlessAborted(released, signal);
  }

  /** Closes the least recently used models that are not in use, for as long as there is too much in memory. */
  async #shrink(comingBytes: number): Promise<void> {
    for (const { key, model, captioner, users } of [...this.#loaded.values()]) {
      if (!this.#excess(comingBytes)) return;
      if (users > 0) continue;
      this.#loaded.delete(key);
      this.#options.onChange?.();
      await captioner.close().catch((error: unknown) => {
        process.emitWarning(`the model ${model} was not closed cleanly: ${errorBody(error).message}`);
      });
    }
  }

  /** Whether the models and one about to be opened are too much together; a single model never is. */
  #excess(comingBytes: number): boolean {
    const models = this.#loaded.size + (comingBytes > 0 ? 1 : 0);
    let bytes = comingBytes;
    for (const { captioner } of this.#loaded.values()) bytes += captioner.memoryBytes;
    return models > 1 && bytes > this.#options.modelLimitBytes;
  }
}
