import { rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { verifyBundleFile } from '../../model/bundle/bundle-file';
import type { BundleFile, BundleManifest } from '../../model/bundle/bundle-manifest';
import { type Bundle, bundleManifestName } from '../../model/bundle/read-bundle';
import { fileSha256 } from '../../system/files/file-checksum';
import { makeFolder } from '../../system/files/make-folder';
import { tarLibrary } from './archive-entries';

export interface PackedBundle {
  readonly path: string;
  readonly sizeBytes: number;
  /** Of the archive; each file's own is in its manifest. */
  readonly sha256: string;
}

/**
 * Packs a bundle as one tar archive (weights do not compress), the manifest first. Every file is checked before; the
 * archive gets its name when it is complete.
 * @throws BundleError for a file that is missing or changed; SmolvlmError `archive-library`
 */
export async function packBundle({ dir, manifest }: Bundle, path: string): Promise<PackedBundle> {
  const files = bundleFiles(manifest);
  for (const file of files) await verifyBundleFile(dir, file);
  const tar = await tarLibrary();
  const partial = `${path}.partial`;
  await makeFolder(dirname(path));
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

/** Every file a manifest names. */
export function bundleFiles(manifest: BundleManifest): readonly BundleFile[] {
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
