import { type FileHandle, open, rm, writeFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { BundleError, verifyBundleFile } from '../../model/bundle/bundle-file';
import type { BundleFile } from '../../model/bundle/bundle-manifest';
import { parseBundleManifest } from '../../model/bundle/parse-bundle-manifest';
import { type Bundle, bundleManifestName } from '../../model/bundle/read-bundle';
import { makeFolder } from '../../system/files/make-folder';
import { checkDiskSpace } from '../bundle/disk-space';
import { type ArchiveEntry, damaged, type EntrySink, readArchive } from './archive-entries';
import { bundleFiles } from './pack-bundle';

/** A manifest has about 40 KB. */
const mostManifestBytes = 4 * 2 ** 20;

/**
 * Unpacks an archive into a folder and checks every file. The manifest is read first, wherever in the archive it is:
 * only files that it names, in the size that it names, are written. Everything else is skipped.
 * @param dir does not exist yet, or is empty; removed after a failure
 * @throws BundleError, SmolvlmError `archive-damaged`, `archive-library`, `bundle-disk-space`
 */
export async function unpackBundle(archive: string, dir: string, signal?: AbortSignal): Promise<Bundle> {
  const text = await readManifest(archive, signal);
  const manifest = parseBundleManifest(text, `${archive}: ${bundleManifestName}`);
  const files = bundleFiles(manifest);
  await checkDiskSpace(
    dir,
    files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    'the bundle',
    dir,
  );
  await makeFolder(dir);
  try {
    await writeFile(join(dir, bundleManifestName), text, { flag: 'wx' });
    await extractFiles(archive, dir, files, signal);
    for (const file of files) await verifyBundleFile(dir, file);
    return { dir, manifest };
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

async function readManifest(archive: string, signal?: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let found = false;
  const select = ({ path, sizeBytes }: ArchiveEntry): EntrySink | undefined => {
    if (posix.normalize(path) !== bundleManifestName) return undefined;
    if (sizeBytes > mostManifestBytes) {
      throw damaged(archive, new Error(`its ${bundleManifestName} has ${sizeBytes} bytes`));
    }
    const end = (): boolean => {
      found = true;
      return true;
    };
    return { write: (chunk) => void chunks.push(chunk), end };
  };
  await readArchive(archive, select, signal);
  if (!found) throw damaged(archive, new Error(`it does not contain ${bundleManifestName}`));
  return Buffer.concat(chunks).toString('utf8');
}

async function extractFiles(
  archive: string,
  dir: string,
  files: readonly BundleFile[],
  signal?: AbortSignal,
): Promise<void> {
  const missing = new Map(files.map((file) => [posix.normalize(file.path), file]));
  let unfinished = missing.size;
  const handles = new Set<FileHandle>();
  const select = ({ path, sizeBytes }: ArchiveEntry): EntrySink | undefined => {
    const name = posix.normalize(path);
    const file = missing.get(name);
    // Not in the manifest, the manifest itself, or a second file of that name: the first one counts.
    if (!file || name === bundleManifestName) return undefined;
    if (sizeBytes !== file.sizeBytes) {
      const message = `${archive}: ${name}: expected ${file.sizeBytes} bytes, found ${sizeBytes}`;
      throw new BundleError('bundle-file-size', message, { hint: 'Pack or fetch the bundle again.' });
    }
    missing.delete(name);
    const handle = createFile(join(dir, name), handles);
    return {
      write: async (chunk) => (await handle()).writeFile(chunk),
      async end() {
        const written = await handle();
        handles.delete(written);
        await written.close();
        return --unfinished === 0;
      },
    };
  };
  try {
    await readArchive(archive, select, signal);
  } finally {
    for (const handle of handles) await handle.close();
  }
}

/** Creates a file on the first call; it must not exist. */
function createFile(path: string, handles: Set<FileHandle>): () => Promise<FileHandle> {
  let handle: FileHandle | undefined;
  return async () => {
    if (handle) return handle;
    await makeFolder(dirname(path));
    handle = await open(path, 'wx');
    handles.add(handle);
    return handle;
  };
}
