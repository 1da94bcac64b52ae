import { SmolvlmError } from '../errors';
import type { DescribeRequest, RuntimeOptions } from '../protocol/describe-request';
import type { LoadedModel } from '../protocol/engine-status';
import { defined } from '../system/defined';
import type { InferenceSettings } from '../system/settings';
import type { Captioner, CaptionerOptions, OpenCaptioner } from './inference';

interface Loaded {
  readonly model: string;
  readonly captioner: Captioner;
  lastUsedAt: Date;
  /** Requests that work with it now. */
  users: number;
}

export interface CaptionerCacheOptions {
  readonly open: OpenCaptioner;
  readonly defaultModel?: string;
  readonly threads?: number;
  readonly settings?: InferenceSettings;
  readonly modelLimitBytes: number;
}

/** Models in memory, the least recently used closed first; one that is being used is never closed. */
export class CaptionerCache {
  readonly #options: CaptionerCacheOptions;
  /** Least recently used first. */
  readonly #loaded = new Map<string, Loaded>();
  /** Models are opened and closed one at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: CaptionerCacheOptions) {
    this.#options = options;
  }

  /**
   * Lends a model for a piece of work, opened first where it is not.
   * @throws SmolvlmError `engine-no-model`, and whatever opening the model throws
   */
  async use<T>(
    request: Pick<DescribeRequest, 'model' | 'runtime'>,
    hooks: Omit<CaptionerOptions, 'model' | 'settings' | keyof RuntimeOptions>,
    work: (captioner: Captioner) => Promise<T>,
  ): Promise<T> {
    const loaded = await this.#inTurn(() => this.#take(request, hooks));
    try {
      return await work(loaded.captioner);
    } finally {
      loaded.users--;
      await this.#inTurn(() => this.#shrink());
    }
  }

  models(): LoadedModel[] {
    return [...this.#loaded.values()].map(({ model, captioner, lastUsedAt }) => {
      const { backend, memoryBytes, framesInFlight, fallback } = captioner;
      return {
        model,
        backend,
        memoryBytes,
        framesInFlight,
        ...(fallback && { fallback }),
        lastUsedAt: lastUsedAt.toISOString(),
      };
    });
  }

  /** Closes all models, once nobody works with them. */
  async close(): Promise<void> {
    await this.#inTurn(async () => {
      const all = [...this.#loaded.values()];
      this.#loaded.clear();
      for (const { captioner } of all) await captioner.close();
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #take(
    request: Pick<DescribeRequest, 'model' | 'runtime'>,
    hooks: Omit<CaptionerOptions, 'model' | 'settings' | keyof RuntimeOptions>,
  ): Promise<Loaded> {
    const model = request.model ?? this.#options.defaultModel;
    if (model === undefined) {
      throw new SmolvlmError('engine-no-model', 'the request names no model and the engine has no default', {
        hint: 'Name a model in the request, or start the engine with --model.',
      });
    }
    const runtime: RuntimeOptions = {
      ...(this.#options.threads === undefined ? {} : { threads: this.#options.threads }),
      ...request.runtime,
    };
    const key = JSON.stringify([model, ...Object.entries(runtime).sort()]);
    const loaded = this.#loaded.get(key) ?? {
      model,
      captioner: await this.#options.open({
        model,
        ...runtime,
        ...hooks,
        ...defined({ settings: this.#options.settings }),
      }),
      lastUsedAt: new Date(),
      users: 0,
    };
    loaded.lastUsedAt = new Date();
    loaded.users++;
    this.#loaded.delete(key);
    this.#loaded.set(key, loaded);
    await this.#shrink();
    return loaded;
  }

  async #shrink(): Promise<void> {
    for (const [key, { captioner, users }] of this.#loaded) {
      const totalBytes = this.models().reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
      if (totalBytes <= this.#options.modelLimitBytes || this.#loaded.size === 1) return;
      if (users > 0) continue;
      this.#loaded.delete(key);
      await captioner.close();
    }
  }
}
