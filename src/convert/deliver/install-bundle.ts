import { lstat, mkdir, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { SmolvlmError } from '../../errors';
import { type Bundle, readBundle } from '../../model/bundle/read-bundle';
import { fileSha256 } from '../../system/file-checksum';
import { withFileLock } from '../../system/file-lock';
import { namingFullDisk } from '../bundle/disk-space';
import { downloadPath, unpackBundle } from './bundle-archive';
import { checkBundlePlace } from './check-bundle-place';
import { type FetchArchiveControl, fetchArchive } from './fetch-archive';

export interface InstallControl extends FetchArchiveControl {
  /** Expected of the archive, hex. */
  readonly sha256?: string;
  /** Throws when the bundle does not work on this machine; left out: its files are checked, nothing more. */
  readonly selfTest?: (bundle: Bundle) => Promise<void>;
}

/**
 * Puts a packed bundle in its place on a hub. The place is a symbolic link to a versioned folder beside it,
 * `NAME@CHECKSUM`, and turns to the new one in a single step once that has been fetched, unpacked, checked and
 * tested: until then, and when any of it fails, the bundle before stays. The one before is kept; older ones go.
 * @param source a path or an http(s) address of an archive made by `packBundle`
 * @returns the bundle, by its place
 * @throws SmolvlmError `archive-checksum`, `archive-damaged`, `bundle-place`; HubError; what the self-test throws
 */
export async function installBundle(
  source: string | URL,
  place: string,
  control: InstallControl = {},
): Promise<Bundle> {
  const path = resolve(place);
  const install = async (): Promise<Bundle> => {
    await checkPlace(path);
    const archive = typeof source === 'string' ? source : downloadPath(path);
    if (typeof source !== 'string') await fetchArchive(source, archive, control);
    const sha256 = await archiveSha256(archive, control.sha256, typeof source !== 'string');
    const version = `${path}@${sha256.slice(0, 12)}`;
    // The version in use is whole already; unpacking over it would break it for whoever runs it.
    if ((await currentVersion(path)) !== version) {
      await unpackBundle(archive, version);
      try {
        await control.selfTest?.(await readBundle(version));
        control.signal?.throwIfAborted();
      } catch (error) {
        await rm(version, { recursive: true, force: true });
        throw error;
      }
      await turnTo(path, version);
    }
    if (typeof source !== 'string') await rm(archive, { force: true });
    return readBundle(path);
  };
  await mkdir(dirname(path), { recursive: true });
  const lock = control.signal ? { signal: control.signal } : {};
  return namingFullDisk(path, () => withFileLock(`${path}.lock`, install, lock));
}

async function checkPlace(path: string): Promise<void> {
  if ((await currentVersion(path)) === undefined) await checkBundlePlace(path);
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
  // Going on from a wrong file would fail again.
  if (fetched) await rm(archive, { force: true });
  throw new SmolvlmError('archive-checksum', `${archive}: expected SHA-256 ${expected}, found ${found}`, {
    hint: 'It was changed or damaged on its way, or the checksum is another archive’s.',
  });
}

/** The folder the place stands for, where it is a link that this function made. */
async function currentVersion(path: string): Promise<string | undefined> {
  const target = await readlink(path).catch(() => undefined);
  return target === undefined ? undefined : resolve(dirname(path), target);
}

async function turnTo(path: string, version: string): Promise<void> {
  const before = await currentVersion(path);
  const isFolder = (await lstat(path).catch(() => undefined))?.isDirectory() ?? false;
  const kept = before ?? (isFolder ? `${path}@before` : undefined);
  if (isFolder && kept !== undefined) {
    await rm(kept, { recursive: true, force: true });
    await rename(path, kept);
  }
  const link = `${path}.link`;
  await rm(link, { force: true });
  await symlink(basename(version), link);
  // rename(2) puts the new link in the place of the old one in a single step.
  await rename(link, path);
  const prefix = `${basename(path)}@`;
  for (const name of await readdir(dirname(path))) {
    const old = join(dirname(path), name);
    if (!name.startsWith(prefix) || old === version || old === kept) continue;
    await rm(old, { recursive: true, force: true });
  }
}
