import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { BundleError } from '../../model/bundle/bundle-file';
import { readPreparedRecord, writePreparedRecord } from '../../model/bundle/prepared-record';
import { type Bundle, bundleManifestName, readBundle } from '../../model/bundle/read-bundle';
import { bundlesFolder } from '../../model/cache-folder';
import { type Checkpoint, openCheckpoint } from '../../model/checkpoint/checkpoint';
import { folderKind } from '../../model/hub/resolve-model';
import { defined } from '../../system/defined';
import { namingReadOnly } from '../../system/files/read-only-folder';
import { withFileLock } from '../../system/lock/file-lock';
import type { BuildControl } from './bundle-build';
import { type CpuBundleOptions, cpuBuilderVersion, cpuBundleKey, prepareCpuBundle } from './cpu-bundle';
import { prepareShardBundle, type ShardBundleOptions, shardBundleKey } from './shard-bundle';

/** Hexadecimal digits at the end of a prepared bundle's name. */
const digestLength = 16;

export interface PreparedBundleControl extends BuildControl {
  /** Where prepared bundles are kept; default: a folder in the cache. */
  readonly bundlesDir?: string;
  /** Another process is preparing the same bundle. */
  readonly onWait?: (pid: number) => void;
}

/** Makes the reference for validation that is added to a bundle. */
export type ReferenceOf = (checkpoint: Checkpoint) => CpuBundleOptions['reference'];

/** How a bundle is prepared, and from what. */
export interface PreparedBundleOptions extends Omit<CpuBundleOptions, 'reference'> {
  /** The checkpoint's folder, for a folder of shards without a manifest; default: its own files. */
  readonly checkpoint?: string;
  readonly reference?: ReferenceOf;
}

/**
 * Opens a bundle, or in place of one a checkpoint, which is prepared for the CPU, or a folder of shards with their
 * checkpoint. What has to be prepared is made once, in the cache, by one process while others wait.
 * @param dir a bundle's or a checkpoint's folder
 * @throws SmolvlmError for a folder that is neither; CheckpointError; BundleError `bundle-host-missing` for shards without
 *   a checkpoint; `folder-read-only`; the signal's reason when aborted
 */
export async function preparedBundle(
  dir: string,
  { checkpoint: given, reference, ...options }: PreparedBundleOptions,
  control: PreparedBundleControl = {},
): Promise<Bundle> {
  const found = (await folderKind(dir)) === 'bundle' ? await readBundle(dir) : undefined;
  if (found?.manifest.host) return found;
  const checkpoint = await openCheckpoint(found ? shardCheckpoint(dir, given) : dir);
  try {
    const all = { ...options, ...defined({ reference: reference?.(checkpoint) }) };
    if (!found) {
      const key = await cpuBundleKey(checkpoint, all);
      const make = (place: string) => prepareCpuBundle(checkpoint, place, all, control);
      return await madeOnce(cacheName(basename(checkpoint.id), key, all), make, control);
    }
    const linked: ShardBundleOptions = { ...all, shards: 'link' };
    const key = await shardBundleKey(found, checkpoint, linked);
    const make = (place: string) => prepareShardBundle(found, checkpoint, place, linked, control);
    return await madeOnce(cacheName(`${basename(dir)}-shards`, key, all), make, control);
  } finally {
    await checkpoint.close();
  }
}

async function madeOnce(
  name: string,
  make: (bundleDir: string) => Promise<unknown>,
  { bundlesDir = bundlesFolder(), signal, onWait }: PreparedBundleControl,
): Promise<Bundle> {
  const bundleDir = join(bundlesDir, name);
  const isThere = (): boolean => existsSync(join(bundleDir, bundleManifestName));
  if (!isThere()) {
    const prepare = async (): Promise<void> => {
      if (isThere()) return;
      await make(bundleDir);
      await writePreparedRecord(bundleDir, { builder: cpuBuilderVersion });
      await removeOlderBuilds(bundlesDir, name);
    };
    await namingReadOnly(bundleDir, () =>
      withFileLock(`${bundleDir}.lock`, prepare, defined({ signal, onWait })),
    );
  }
  return readBundle(bundleDir);
}

/**
 * Removes bundles that an older version of this package made: of any model and precisions, or without a record of their
 * version if their model and precisions are those of the new one.
 */
async function removeOlderBuilds(bundlesDir: string, name: string): Promise<void> {
  const stem = name.slice(0, -digestLength);
  for (const other of await readdir(bundlesDir)) {
    if (other === name || !/-[0-9a-f]{16}$/.test(other)) continue;
    const dir = join(bundlesDir, other);
    const record = await readPreparedRecord(dir);
    const isSame = other.slice(0, -digestLength) === stem;
    const builder = record?.builder ?? (isSame ? 0 : cpuBuilderVersion);
    if (builder < cpuBuilderVersion) await rm(dir, { recursive: true, force: true });
  }
}

/** The folder of the checkpoint that a folder's shards were made from. */
function shardCheckpoint(dir: string, given: string | undefined): string {
  if (given !== undefined) return given;
  if (existsSync(join(dir, 'config.json'))) return dir;
  throw new BundleError('bundle-host-missing', `${dir} contains only shards`, {
    hint: 'Give the checkpoint they were made from as well: --checkpoint or the engine node’s field Checkpoint, a folder or a pulled hub id such as HuggingFaceTB/SmolVLM-256M-Instruct. Or copy its files (config.json, model.safetensors, tokenizer.json and the other .json files) into this folder.',
  });
}

/** e.g. `SmolVLM-256M-Instruct-int8-int4-1f0c…`: readable, and different for anything that changes the files. */
function cacheName(model: string, key: string, { visionPrecision, decoder }: CpuBundleOptions): string {
  const digest = createHash('sha256').update(key).digest('hex');
  const precisions = [visionPrecision, ...(decoder ? [decoder.precision] : [])];
  return [model, ...precisions, digest.slice(0, digestLength)].join('-');
}
