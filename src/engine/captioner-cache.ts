import { SmolvlmError } from '../errors';
import type { DescribeRequest, RuntimeOptions } from '../protocol/describe-request';
import type { LoadedModel } from '../protocol/engine-status';
import type { Captioner, CaptionerOptions, OpenCaptioner } from './inference';

interface Loaded {
  readonly model: string;
  readonly captioner: Captioner;
  lastUsedAt: Date;
}

export interface CaptionerCacheOptions {
  readonly open: OpenCaptioner;
  readonly defaultModel?: string;
  readonly threads?: number;
  readonly modelLimitBytes: number;
}

/** Models in memory, the least recently used closed first. Calls never overlap. */
export class CaptionerCache {
  readonly #options: CaptionerCacheOptions;
  /** Least recently used first. */
  readonly #loaded = new Map<string, Loaded>();

  constructor(options: CaptionerCacheOptions) {
    this.#options = options;
  }

  /** @throws SmolvlmError `engine-no-model`, and whatever opening the model throws */
  async get(
    request: Pick<DescribeRequest, 'model' | 'runtime'>,
    hooks: Pick<CaptionerOptions, 'onProgress' | 'signal'>,
  ): Promise<Captioner> {
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
    const captioner =
      this.#loaded.get(key)?.captioner ?? (await this.#options.open({ model, ...runtime, ...hooks }));
    this.#loaded.delete(key);
    this.#loaded.set(key, { model, captioner, lastUsedAt: new Date() });
    await this.#shrink();
    return captioner;
  }

  models(): LoadedModel[] {
    return [...this.#loaded.values()].map(({ model, captioner, lastUsedAt }) => ({
      model,
      backend: captioner.backend,
      memoryBytes: captioner.memoryBytes,
      lastUsedAt: lastUsedAt.toISOString(),
    }));
  }

  async close(): Promise<void> {
    const all = [...this.#loaded.values()];
    this.#loaded.clear();
    for (const { captioner } of all) await captioner.close();
  }

  async #shrink(): Promise<void> {
    for (const [key, { captioner }] of this.#loaded) {
      const totalBytes = this.models().reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
      if (totalBytes <= this.#options.modelLimitBytes || this.#loaded.size === 1) return;
      this.#loaded.delete(key);
      await captioner.close();
    }
  }
}
