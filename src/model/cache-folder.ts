import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * Where pulled checkpoints and prepared bundles are kept: `SMOLVLM_CACHE`, else `XDG_CACHE_HOME/smolvlm`,
 * else `~/.cache/smolvlm`.
 */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  if (environment.SMOLVLM_CACHE) return resolve(environment.SMOLVLM_CACHE);
  return join(resolve(environment.XDG_CACHE_HOME || join(homedir(), '.cache')), 'smolvlm');
}

/** Pulled checkpoints: `checkpoints/ORG/NAME/COMMIT`. */
export function checkpointsFolder(cache = cacheFolder()): string {
  return join(cache, 'checkpoints');
}

/** Bundles prepared from checkpoints. */
export function bundlesFolder(cache = cacheFolder()): string {
  return join(cache, 'bundles');
}
