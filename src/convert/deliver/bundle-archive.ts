import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, normalize } from 'node:path';
import { SmolvlmError } from '../../errors';
import { BundleError, verifyBundleFile } from '../../model/bundle/bundle-file';
import type { BundleFile, BundleManifest } from '../../model/bundle/bundle-manifest';
import { type Bundle, bundleManifestName, readBundle } from '../../model/bundle/read-bundle';
import { fileSha256 } from '../../system/file-checksum';
import { isFullDisk } from '../bundle/disk-space';

export interface PackedBundle {
  readonly path: string;
  readonly sizeBytes: number;
  /** Of the archive; each file's own is in its manifest. */
  readonly sha256: string;
}

/**
 * Packs a bundle as one tar archive (weights do not compress), the manifest first. Every file is checked before; the
 * archive gets its name when it is whole.
 * @throws BundleError for a file that is missing or changed; SmolvlmError `archive-library`
 */
export async function packBundle({ dir, manifest }: Bundle, path: string): Promise<PackedBundle> {
  const files = bundleFiles(manifest);
  for (const file of files) await verifyBundleFile(dir, file);
  const tar = await tarLibrary();
  const partial = `${path}.partial`;
  await mkdir(dirname(path), { recursive: true });
  try {
    const names = [bundleManifestName, ...files.map((file) => file.path)];
    await tar.create({ file: partial, cwd: dir, portable: true, noDirRecurse: true, strict: true }, names);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  return { path, sizeBytes: (await stat(path)).size, sha256: await fileSha256(path) };
}

/**
 * Unpacks an archive into a new folder and checks every file against the manifest in it. Nothing but plain files of
 * the manifest is taken; a failure leaves no folder.
 * @throws BundleError, SmolvlmError `archive-damaged`, `archive-library`
 */
export async function unpackBundle(archive: string, dir: string): Promise<Bundle> {
  const tar = await tarLibrary();
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  try {
    await tar.extract({
      file: archive,
      cwd: dir,
      strict: true,
      preserveOwner: false,
      filter: (_path, entry) => !('type' in entry) || entry.type === 'File',
    });
    if ((await readdir(dir)).length === 0) throw new Error('it holds no files');
  } catch (cause) {
    await rm(dir, { recursive: true, force: true });
    if (isFullDisk(cause)) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SmolvlmError('archive-damaged', `${archive} cannot be unpacked: ${reason}`, {
      hint: 'Expected an archive made by smolvlm pack. Copy or fetch it again.',
      cause,
    });
  }
  try {
    const bundle = await readBundle(dir);
    const files = bundleFiles(bundle.manifest);
    for (const file of files) await verifyBundleFile(dir, file);
    const named = new Set([bundleManifestName, ...files.map((file) => normalize(file.path))]);
    for (const name of await readdir(dir, { recursive: true })) {
      const path = join(dir, name);
      if (!named.has(name) && (await stat(path)).isFile()) await rm(path);
    }
    return bundle;
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    if (error instanceof BundleError) throw error;
    throw new SmolvlmError('archive-damaged', `${basename(archive)}: ${String(error)}`, { cause: error });
  }
}

/** Every file a manifest names. */
function bundleFiles(manifest: BundleManifest): readonly BundleFile[] {
  const graphs = [
    ...manifest.stages,
    ...(manifest.cpuStages ?? []),
    ...Object.values(manifest.hostGraphs ?? {}),
  ];
  return [
    ...graphs.flatMap(({ file, data }) => (data ? [file, data] : [file])),
    ...(manifest.host ? [manifest.host] : []),
    ...(manifest.decoder?.files ?? []),
    ...(manifest.npuDecoder?.files ?? []),
    ...manifest.configs,
    ...(manifest.validation ? [manifest.validation] : []),
  ];
}

async function tarLibrary() {
  try {
    return await import('tar');
  } catch (cause) {
    throw new SmolvlmError(
      'archive-library',
      'the package tar, which packs and unpacks bundles, is not installed',
      {
        hint: 'Install this package without --omit=optional, or copy the bundle’s folder as it is.',
        cause,
      },
    );
  }
}

/** Where an archive is kept while it comes over the network. */
export function downloadPath(place: string): string {
  return join(dirname(place), `.${basename(place)}.tar`);
}
