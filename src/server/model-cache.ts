import { SmolvlmError } from '../errors';
import { cacheFolder, checkpointsFolder } from '../model/cache-folder';
import type { PullControl } from '../model/hub/hub-pull';
import { type FetchProgress, hubId, type ModelInventory } from '../protocol/models/model-cache';
import { Mutex } from '../system/async/mutex';
import type { Settings } from '../system/settings';
import { ModelDownload } from './model-download';

export interface ModelCacheOptions {
  /** Address and token of the hub that models are fetched from. */
  readonly hub: Settings['hub'];
  readonly cacheDir?: string;
}

/** The models of this machine, for clients that may change them: names only, never a path. Loads what it needs when it is called. */
export class ModelCache {
  readonly #hub: Settings['hub'];
  readonly #cacheDir: string;
  readonly #downloads = new Map<string, ModelDownload>();
  /** One download at a time has the network and the disk. */
  readonly #mutex = new Mutex();

  constructor({ hub, cacheDir = cacheFolder() }: ModelCacheOptions) {
    this.#hub = hub;
    this.#cacheDir = cacheDir;
  }

  async list(): Promise<ModelInventory> {
    const { listCache } = await import('../model/hub/cache-contents.js');
    const { familyModels } = await import('../model/hub/model-family.js');
    const cached = await listCache(this.#cacheDir);
    return {
      fetchable: familyModels,
      cached: cached.map(({ kind, name, version, sizeBytes }) => ({ kind, name, version, sizeBytes })),
    };
  }

  /**
   * Fetches a model, or joins the download of another caller; it pauses when the last caller has left.
   * @param signal ends this caller's wait
   * @throws SmolvlmError `hub-…`; the signal's reason
   */
  async fetch(
    model: string,
    onProgress: (progress: FetchProgress) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const id = hubId(model);
    let download = this.#downloads.get(id);
    if (!download) {
      download = new ModelDownload((control) => this.#mutex.run(() => this.#pull(id, control)));
      this.#downloads.set(id, download);
      download.onEnd(() => this.#downloads.delete(id));
    }
    await download.watch(onProgress, signal);
  }

  /** @returns what is left @throws SmolvlmError `model-not-found`, `model-fetching` */
  async remove(name: string): Promise<ModelInventory> {
    if (this.#downloads.has(name)) {
      throw new SmolvlmError('model-fetching', `${name} is being fetched`, {
        hint: 'Pause the download first, or wait until it has ended.',
      });
    }
    const { clearCache } = await import('../model/hub/cache-contents.js');
    const removed = name === '' ? [] : await clearCache([name], this.#cacheDir);
    if (removed.length > 0) return await this.list();
    throw new SmolvlmError('model-not-found', `the cache does not hold "${name.slice(0, 100)}"`, {
      hint: 'GET /v1/smolvlm/models lists the names.',
    });
  }

  async #pull(id: string, control: Pick<PullControl, 'signal' | 'onProgress'>): Promise<void> {
    const { pullCheckpoint } = await import('../model/hub/hub-pull.js');
    const { hubSettings } = await import('../model/hub/hub-settings.js');
    control.signal?.throwIfAborted();
    const checkpoints = checkpointsFolder(this.#cacheDir);
    await pullCheckpoint({ id, revision: 'main' }, hubSettings(this.#hub), { ...control, checkpoints });
  }
}
