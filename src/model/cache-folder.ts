import { join } from 'node:path';
import { readSettings } from '../system/settings';

/** The folder in which this process keeps pulled checkpoints and prepared bundles, unless it is given another one. */
export function cacheFolder(): string {
  return readSettings().cacheDir;
}

/** Pulled checkpoints: `checkpoints/ORG/NAME/COMMIT`. */
export function checkpointsFolder(cache = cacheFolder()): string {
  return join(cache, 'checkpoints');
}

/** Bundles prepared from checkpoints. */
export function bundlesFolder(cache = cacheFolder()): string {
  return join(cache, 'bundles');
}
