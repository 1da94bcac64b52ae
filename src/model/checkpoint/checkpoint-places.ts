import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../system/files/make-folder';
import { cacheFolder } from '../cache-folder';

/** In the cache: for each checkpoint that a bundle was made from, the folder in which it was. */
function placeFile(sha256: string, cache: string): string {
  return join(cache, 'checkpoint-places', sha256);
}

/** Notes where a checkpoint is, so that `validate` finds it. A cache that cannot be written to is left alone. */
export async function rememberCheckpointPlace(
  sha256: string,
  dir: string,
  cache = cacheFolder(),
): Promise<void> {
  const path = placeFile(sha256, cache);
  try {
    await makeFolder(join(path, '..'));
    await writeFile(path, dir);
  } catch {}
}

/** @returns the folder in which it was last; it may have gone or changed since */
export function checkpointPlace(sha256: string, cache = cacheFolder()): Promise<string | undefined> {
  return readFile(placeFile(sha256, cache), 'utf8').catch(() => undefined);
}
