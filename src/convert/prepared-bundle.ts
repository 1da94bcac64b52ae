import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { bundlesFolder } from '../model/cache-folder';
import { type Checkpoint, openCheckpoint } from '../model/checkpoint';
import { withFileLock } from '../model/file-lock';
import { type Bundle, bundleManifestName, readBundle } from '../model/read-bundle';
import {
  type BuildControl,
  type CpuBundleOptions,
  cpuBuilderVersion,
  type DecoderWriter,
  prepareCpuBundle,
} from './cpu-bundle';

export interface PreparedBundleControl extends BuildControl {
  /** Where prepared bundles are kept; default: the cache's own folder for them. */
  readonly bundlesDir?: string;
  /** Another process is preparing the same bundle. */
  readonly onWait?: (pid: number) => void;
}

/**
 * Opens a bundle, or a checkpoint where a bundle is expected: that is prepared for the CPU once, into the
 * cache, by one process while the others wait.
 * @param dir a bundle's or a checkpoint's folder
 * @throws CheckpointError, BundleError; the signal's reason when aborted
 */
export async function preparedBundle(
  dir: string,
  options: CpuBundleOptions,
  writeDecoder: DecoderWriter,
  control: PreparedBundleControl = {},
): Promise<Bundle> {
  if (existsSync(join(dir, bundleManifestName))) return readBundle(dir);
  const checkpoint = await openCheckpoint(dir);
  try {
    const bundleDir = join(control.bundlesDir ?? bundlesFolder(), await cacheName(checkpoint, options));
    const isThere = (): boolean => existsSync(join(bundleDir, bundleManifestName));
    if (!isThere()) {
      const { signal, onWait } = control;
      const prepare = async (): Promise<void> => {
        if (!isThere()) await prepareCpuBundle(checkpoint, bundleDir, options, writeDecoder, control);
      };
      await withFileLock(`${bundleDir}.lock`, prepare, {
        ...(signal && { signal }),
        ...(onWait && { onWait }),
      });
    }
    return await readBundle(bundleDir);
  } finally {
    await checkpoint.close();
  }
}

/** e.g. `SmolVLM-256M-Instruct-int8-1f0c…`: readable, and another for anything that changes the files. */
async function cacheName(checkpoint: Checkpoint, options: CpuBundleOptions): Promise<string> {
  const { visionPrecision, decoderPrecision, granularity = 'half-layer' } = options;
  const key = [cpuBuilderVersion, await checkpoint.sha256(), visionPrecision, decoderPrecision, granularity];
  const digest = createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 16);
  return `${basename(checkpoint.id)}-${visionPrecision}-${decoderPrecision}-${digest}`;
}
