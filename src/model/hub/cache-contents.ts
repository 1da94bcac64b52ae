import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readPreparedRecord } from '../bundle/prepared-record';
import { bundlesFolder, cacheFolder, checkpointsFolder } from '../cache-folder';

/** Something that the cache keeps and that can be fetched or made again. */
export interface CacheEntry {
  /** `download`: an interrupted one, which the next pull continues. */
  readonly kind: 'checkpoint' | 'download' | 'bundle';
  /** The hub id, or the bundle's folder. */
  readonly name: string;
  /** A checkpoint's commit; for a bundle the version of what prepared it. */
  readonly version: string;
  readonly path: string;
  readonly sizeBytes: number;
}

const hashName = /^[0-9a-f]{7,64}(\.partial)?$/;

/** What is in the cache, the largest first. */
export async function listCache(cache = cacheFolder()): Promise<readonly CacheEntry[]> {
  const entries = [...(await pulled(checkpointsFolder(cache))), ...(await prepared(bundlesFolder(cache)))];
  return entries.sort((one, other) => other.sizeBytes - one.sizeBytes);
}

/**
 * Removes entries. A model that an engine has open stays usable until it is closed.
 * @param names of models or bundles; none: everything
 * @returns what was removed
 */
export async function clearCache(
  names: readonly string[],
  cache = cacheFolder(),
): Promise<readonly CacheEntry[]> {
  const chosen = (await listCache(cache)).filter(({ name }) => names.length === 0 || names.includes(name));
  for (const { path } of chosen) await rm(path, { recursive: true, force: true, maxRetries: 5 });
  return chosen;
}

async function pulled(folder: string): Promise<readonly CacheEntry[]> {
  const entries: CacheEntry[] = [];
  for (const owner of await folders(folder)) {
    for (const model of await folders(join(folder, owner))) {
      for (const commit of await folders(join(folder, owner, model))) {
        if (!hashName.test(commit)) continue;
        const path = join(folder, owner, model, commit);
        entries.push({
          kind: commit.endsWith('.partial') ? 'download' : 'checkpoint',
          name: `${owner}/${model}`,
          version: commit.slice(0, 7),
          path,
          sizeBytes: await folderBytes(path),
        });
      }
    }
  }
  return entries;
}

async function prepared(folder: string): Promise<readonly CacheEntry[]> {
  const entries: CacheEntry[] = [];
  for (const name of await folders(folder)) {
    const path = join(folder, name);
    const builder = (await readPreparedRecord(path))?.builder;
    const version = builder === undefined ? 'unknown' : `builder ${builder}`;
    entries.push({ kind: 'bundle', name, version, path, sizeBytes: await folderBytes(path) });
  }
  return entries;
}

async function folders(dir: string): Promise<readonly string[]> {
  const found = await readdir(dir, { withFileTypes: true }).catch(() => []);
  return found.filter((each) => each.isDirectory()).map(({ name }) => name);
}

/** Links are not followed: what they lead to is not the cache's. */
async function folderBytes(dir: string): Promise<number> {
  let sum = 0;
  for (const name of await readdir(dir, { recursive: true }).catch(() => [])) {
    const found = await lstat(join(dir, name)).catch(() => undefined);
    if (found?.isFile()) sum += found.size;
  }
  return sum;
}
