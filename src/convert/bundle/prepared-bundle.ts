import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Bundle, bundleManifestName, readBundle } from '../../model/bundle/read-bundle';
import { bundlesFolder } from '../../model/cache-folder';
import { type Checkpoint, openCheckpoint } from '../../model/checkpoint/checkpoint';
import { folderKind } from '../../model/hub/resolve-model';
import { defined } from '../../system/defined';
import { withFileLock } from '../../system/lock/file-lock';
import type { BuildControl } from './bundle-build';
import { type CpuBundleOptions, cpuBundleKey, prepareCpuBundle } from './cpu-bundle';

export interface PreparedBundleControl extends BuildControl {
  /** Where prepared bundles are kept; default: a folder in the cache. */
  readonly bundlesDir?: string;
  /** Another process is preparing the same bundle. */
  readonly onWait?: (pid: number) => void;
}

/**
 * Opens a bundle, or a checkpoint in place of one: a checkpoint is prepared for the CPU once, in the
 * cache, by one process while others wait.
 * @param dir a bundle's or a checkpoint's folder
 * @throws SmolvlmError for a folder that is neither; CheckpointError, BundleError; the signal's reason when aborted
 */
export async function preparedBundle(
  dir: string,
  options: CpuBundleOptions,
  control: PreparedBundleControl = {},
): Promise<Bundle> {
  if ((await folderKind(dir)) === 'bundle') return readBundle(dir);
  const checkpoint = await openCheckpoint(dir);
  try {
    const bundleDir = join(control.bundlesDir ?? bundlesFolder(), await cacheName(checkpoint, options));
    const isThere = (): boolean => existsSync(join(bundleDir, bundleManifestName));
    if (!isThere()) {
      const { signal, onWait } = control;
      const prepare = async (): Promise<void> => {
        if (!isThere()) await prepareCpuBundle(checkpoint, bundleDir, options, control);
      };
      await withFileLock(`${bundleDir}.lock`, prepare, {
        ...defined({ signal, onWait }),
      });
    }
    return await readBundle(bundleDir);
  } finally {
    await checkpoint.close();
  }
}

/** e.g. `SmolVLM-256M-Instruct-int8-int4-1f0c…`: readable, and different for anything that changes the files. */
async function cacheName(checkpoint: Checkpoint, options: CpuBundleOptions): Promise<string> {
  const digest = createHash('sha256')
    .update(await cpuBundleKey(checkpoint, options))
    .digest('hex');
  const precisions = [options.visionPrecision, ...(options.decoder ? [options.decoder.precision] : [])];
  return [basename(checkpoint.id), ...precisions, digest.slice(0, 16)].join('-');
}
