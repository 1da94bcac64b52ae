import { randomUUID } from 'node:crypto';
import { lstat, readlink, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { SmolvlmError } from '../../errors';
import { type Bundle, readBundle } from '../../model/bundle/read-bundle';
import { defined } from '../../system/defined';
import { fileSha256 } from '../../system/files/file-checksum';
import { makeFolder } from '../../system/files/make-folder';
import { withFileLock } from '../../system/lock/file-lock';
import { checkBundlePlace } from '../bundle/check-bundle-place';
import { namingFullDisk } from '../bundle/disk-space';
import { type FetchArchiveControl, fetchArchive } from './fetch-archive';
import { unpackBundle } from './unpack-bundle';
import { makeVersionFolder, moveAside, versionFolders } from './version-folder';

export interface InstallControl extends FetchArchiveControl {
  /** Expected of the archive, hex. */
  readonly sha256?: string;
  /** Throws when the bundle does not work on this machine; without it only the files are checked. */
  readonly selfTest?: (bundle: Bundle) => Promise<void>;
}

/**
 * Puts a packed bundle in its place on a hub. The place is a symbolic link to a versioned folder beside it,
 * `NAME@CHECKSUM`. The link changes to the new folder in a single step once that has been fetched, unpacked, checked
 * and tested: until then, and when any of it fails, the earlier bundle stays. That one is kept, and older ones that
 * this function made are deleted.
 * @param source a path or an http(s) address of an archive made by `packBundle`
 * @returns the bundle, by its place
 * @throws SmolvlmError `archive-checksum`, `archive-damaged`, `bundle-place`; HubError; what the self-test throws
 */
export async function installBundle(
  source: string | URL,
  place: string,
  control: InstallControl = {},
): Promise<Bundle> {
  const { signal } = control;
  const path = resolve(place);
  const install = async (): Promise<Bundle> => {
    await checkBundlePlace(path);
    const archive = typeof source === 'string' ? source : downloadPath(path);
    if (typeof source !== 'string') await fetchArchive(source, archive, control);
    const sha256 = await archiveSha256(archive, control.sha256, typeof source !== 'string');
    const version = `${path}@${sha256.slice(0, 12)}`;
    // The version in use is complete already; unpacking over it would break it for its users.
    if ((await currentVersion(path)) !== version) {
      await makeVersionFolder(version);
      try {
        await unpackBundle(archive, version, signal);
        await control.selfTest?.(await readBundle(version));
        signal?.throwIfAborted();
      } catch (error) {
        await rm(version, { recursive: true, force: true });
        throw error;
      }
      await switchTo(path, version);
    }
    if (typeof source !== 'string') await rm(archive, { force: true });
    return readBundle(path);
  };
  await makeFolder(dirname(path));
  return namingFullDisk(path, () => withFileLock(`${path}.lock`, install, defined({ signal })));
}

/** Where an archive is kept while it is downloaded. */
function downloadPath(place: string): string {
  return join(dirname(place), `.${basename(place)}.tar`);
}

async function archiveSha256(
  archive: string,
  expected: string | undefined,
  fetched: boolean,
): Promise<string> {
  const found = await fileSha256(archive).catch((cause: unknown) => {
    throw new SmolvlmError('archive-missing', `${archive} cannot be read`, {
      hint: 'Expected an archive made by smolvlm pack, or its http(s) address.',
      cause,
    });
  });
  if (expected === undefined || expected.toLowerCase() === found) return found;
  // Resuming from a wrong file would fail again.
  if (fetched) await rm(archive, { force: true });
  throw new SmolvlmError('archive-checksum', `${archive}: expected SHA-256 ${expected}, found ${found}`, {
    hint: 'It was changed or damaged on the way, or the checksum belongs to another archive.',
  });
}

/** The folder that the place links to. */
async function currentVersion(path: string): Promise<string | undefined> {
  const target = await readlink(path).catch(() => undefined);
  return target === undefined ? undefined : resolve(dirname(path), target);
}

async function switchTo(path: string, version: string): Promise<void> {
  const before = await currentVersion(path);
  const isFolder = (await lstat(path).catch(() => undefined))?.isDirectory() ?? false;
  const kept = isFolder ? await moveAside(path) : before;
  const link = `${path}.link-${randomUUID()}`;
  await symlink(basename(version), link);
  try {
    // rename(2) replaces the old link with the new one in a single step.
    await rename(link, path);
  } catch (error) {
    await rm(link, { force: true });
    throw error;
  }
  for (const old of await versionFolders(path)) {
    if (old !== version && old !== kept) await rm(old, { recursive: true, force: true });
  }
}
