import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BundleError } from './bundle-file';
import type { BundleManifest } from './bundle-manifest';
import { parseBundleManifest } from './parse-bundle-manifest';

export const bundleManifestName = 'smolvlm-bundle.json';

/** A bundle's folder with its manifest; the files are checked when they are opened. */
export interface Bundle {
  readonly dir: string;
  readonly manifest: BundleManifest;
}

/**
 * Reads a bundle's manifest.
 * @throws BundleError `bundle-manifest-missing`, `bundle-manifest-invalid`, `bundle-schema`
 */
export async function readBundle(dir: string): Promise<Bundle> {
  const path = join(dir, bundleManifestName);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new BundleError('bundle-manifest-missing', `${dir} is no bundle: it has no ${bundleManifestName}`, {
      hint: 'Give the folder of a bundle, or of a checkpoint (config.json and model.safetensors).',
      cause,
    });
  });
  return { dir, manifest: parseBundleManifest(text, path) };
}
