import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BundleError } from './bundle-file';
import type { BundleManifest } from './bundle-manifest';
import { parseBundleManifest } from './parse-bundle-manifest';
import { describeShardFolder } from './shard-folder';

export const bundleManifestName = 'smolvlm-bundle.json';

/** A bundle's folder with its manifest; the files are checked when they are opened. */
export interface Bundle {
  readonly dir: string;
  readonly manifest: BundleManifest;
}

/**
 * Reads a bundle's manifest. A folder of shards without a manifest is described by the defaults of the scripts that write
 * such folders.
 * @throws BundleError `bundle-manifest-missing`, `bundle-manifest-invalid`, `bundle-schema`,
 *   `bundle-shard-missing`
 */
export async function readBundle(dir: string): Promise<Bundle> {
  const path = join(dir, bundleManifestName);
  const found = await readFile(path, 'utf8').catch(async (cause: unknown) => {
    const shards = await describeShardFolder(dir);
    if (shards) return shards;
    const isFolder = await stat(dir).then(
      (found) => found.isDirectory(),
      () => false,
    );
    throw new BundleError(
      'bundle-manifest-missing',
      isFolder ? `${dir} is not a bundle: it has no ${bundleManifestName}` : `no folder found at ${dir}`,
      { hint: 'Give the folder of a bundle, which smolvlm convert or smolvlm install made.', cause },
    );
  });
  return { dir, manifest: typeof found === 'string' ? parseBundleManifest(found, path) : found };
}
