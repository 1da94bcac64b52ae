import { SmolvlmError } from '../../errors';
import {
  type CachedModel,
  type FetchableModel,
  hubId,
  type ModelInventory,
} from '../../protocol/models/model-cache';
import { defined } from '../../system/defined';
import { runCommandChild } from '../children/command-child';
import type { FetchModelOptions, ModelCacheApi } from './model-cache-api';

/** `smolvlm cache --json` */
interface CacheDocument extends Omit<CachedModel, 'sizeBytes'> {
  readonly size_bytes: number;
}

/** `smolvlm pull --list --json` */
interface FamilyDocument extends Pick<FetchableModel, 'id' | 'suits'> {
  readonly download_bytes: number;
  readonly memory_bytes: number;
  readonly machine_gb: number;
}

/** The models of this machine, by its command line: no engine needs to run. */
export class LocalModels implements ModelCacheApi {
  async list(): Promise<ModelInventory> {
    const [cached, family] = await Promise.all([this.#cached(), runCommandChild(['pull', '--list'])]);
    return {
      fetchable: (family.document as readonly FamilyDocument[]).map(
        ({ id, download_bytes, memory_bytes, machine_gb, suits }) => ({
          id,
          downloadBytes: download_bytes,
          memoryBytes: memory_bytes,
          machineGb: machine_gb,
          suits,
        }),
      ),
      cached,
    };
  }

  async #cached(): Promise<readonly CachedModel[]> {
    const { document } = await runCommandChild(['cache']);
    return (document as readonly CacheDocument[]).map(({ kind, name, version, size_bytes }) => ({
      kind,
      name,
      version,
      sizeBytes: size_bytes,
    }));
  }

  async fetch(id: string, { signal, onProgress }: FetchModelOptions = {}): Promise<void> {
    await runCommandChild(['pull', hubId(id)], {
      ...defined({ signal }),
      onProgress: ({ done, total }) => onProgress?.({ doneBytes: done, totalBytes: total }),
    });
  }

  async remove(name: string): Promise<ModelInventory> {
    const cached = await this.#cached();
    // Also keeps an option of the command line from being taken for a name.
    if (!cached.some((each) => each.name === name)) {
      throw new SmolvlmError('model-not-found', `the cache does not hold "${name.slice(0, 100)}"`);
    }
    await runCommandChild(['cache', 'clear', name]);
    return await this.list();
  }
}
