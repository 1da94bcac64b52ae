import { randomUUID } from 'node:crypto';
import { readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { defined } from '../../system/defined';
import { makeFolder } from '../../system/files/make-folder';
import { namingReadOnly } from '../../system/files/read-only-folder';
import { replaceFile } from '../../system/files/shared-files';
import { withFileLock } from '../../system/lock/file-lock';
import { checkpointsFolder } from '../cache-folder';
import { readModelConfigs } from '../checkpoint/checkpoint';
import { writePullRecord } from '../checkpoint/pull-record';
import { downloadFile, incompletePath } from './hub-download';
import { HubError } from './hub-error';
import { type HubFile, type HubListing, listCheckpoint } from './hub-listing';
import type { HubSettings } from './hub-settings';
import { commitFolder, type HubReference, revisionFile } from './resolve-model';

/** Kept free on the disk in addition to the download. */
const spareBytes = 64 << 20;

export interface PullProgress {
  /** The file that is being fetched. */
  readonly file: string;
  /** Over all files, including those of an earlier pull. */
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface PullControl {
  /** Default: the cache's own folder. */
  readonly checkpoints?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: PullProgress) => void;
  /** Another process is pulling the same model. */
  readonly onWait?: (pid: number) => void;
  /** Free bytes on a folder's disk. */
  readonly freeBytes?: (folder: string) => Promise<number>;
}

export interface PulledCheckpoint extends HubReference {
  readonly commit: string;
  readonly dir: string;
  readonly files: readonly HubFile[];
  /** Bytes received over the network by this pull. */
  readonly downloadedBytes: number;
}

/**
 * Fetches a checkpoint from a hub into the cache. Files are collected in `COMMIT.partial`; each gets its name when it is
 * complete and right, and the folder is renamed when all files are there, so that a commit's folder is always complete.
 * The next pull continues an interrupted one; a second pull of the same model waits for the first.
 * @throws HubError, CheckpointError for a model of another family, the signal's reason
 */
export async function pullCheckpoint(
  reference: HubReference,
  settings: HubSettings,
  control: PullControl = {},
): Promise<PulledCheckpoint> {
  const { checkpoints = checkpointsFolder(), signal, onWait } = control;
  const listing = await listCheckpoint(settings, reference, signal);
  const dir = commitFolder(reference.id, listing.commit, checkpoints);
  const fetchMissing = async (): Promise<number> => {
    if (await exists(dir)) return 0;
    return fetchAll(reference, settings, listing, dir, control);
  };
  const downloadedBytes = await namingReadOnly(join(checkpoints, reference.id), async () => {
    const lock = join(dirname(dir), 'pull.lock');
    const bytes = await withFileLock(lock, fetchMissing, defined({ signal, onWait }));
    await noteRevision(reference, listing.commit, checkpoints);
    return bytes;
  });
  return { ...reference, ...listing, dir, downloadedBytes };
}

async function fetchAll(
  reference: HubReference,
  settings: HubSettings,
  { commit, files }: HubListing,
  dir: string,
  { signal, onProgress, freeBytes = diskFreeBytes }: PullControl,
): Promise<number> {
  const staging = `${dir}.partial`;
  await makeFolder(staging);
  await checkDiskSpace(staging, files, freeBytes);
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let doneBytes = 0;
  let downloaded = 0;
  let configsChecked = false;
  for (const file of files) {
    if (file.name.endsWith('.safetensors') && !configsChecked) {
      await readModelConfigs(staging);
      configsChecked = true;
    }
    const path = join(staging, file.name);
    const report = (bytes: number): void =>
      onProgress?.({ file: file.name, doneBytes: doneBytes + bytes, totalBytes });
    if (!(await exists(path))) {
      const source = { id: reference.id, commit };
      const options = { onBytes: report, ...defined({ signal }) };
      downloaded += await downloadFile(settings, source, file, path, options);
    }
    report(file.sizeBytes);
    doneBytes += file.sizeBytes;
  }
  await writePullRecord(staging, { ...reference, commit });
  await rename(staging, dir);
  await removeOtherPartials(dir);
  return downloaded;
}

/** @throws HubError `hub-disk-full` before anything is fetched */
async function checkDiskSpace(
  staging: string,
  files: readonly HubFile[],
  freeBytes: (folder: string) => Promise<number>,
): Promise<void> {
  let needed = spareBytes;
  for (const { name, sizeBytes } of files) {
    const path = join(staging, name);
    needed += sizeBytes - ((await sizeOf(path)) || (await sizeOf(incompletePath(path))));
  }
  const free = await freeBytes(staging);
  if (free >= needed) return;
  const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;
  throw new HubError(
    'hub-disk-full',
    `${dirname(staging)}: ${megabytes(needed)} are needed, ${megabytes(free)} are free`,
    { hint: 'Free some space, or set SMOLVLM_CACHE to a folder on a larger disk.' },
  );
}

async function diskFreeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Removes what interrupted pulls of other commits left: only folders named as a pull names them. */
async function removeOtherPartials(dir: string): Promise<void> {
  for (const entry of await readdir(dirname(dir), { withFileTypes: true })) {
    if (!entry.isDirectory() || !/^[0-9a-f]{40}\.partial$/.test(entry.name)) continue;
    await rm(join(dirname(dir), entry.name), { recursive: true, force: true });
  }
}

async function noteRevision(reference: HubReference, commit: string, checkpoints: string): Promise<void> {
  const path = revisionFile(reference, checkpoints);
  await makeFolder(dirname(path));
  await replaceFile(path, commit, 0o644, randomUUID());
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
