import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SmolvlmError } from '../../errors';
import { fileSha256 } from '../../system/files/file-checksum';
import { rememberedSha256 } from '../checksum-memory';
import type { BundleFile } from './bundle-manifest';

/** A fault of a bundle, its manifest or one of its files. */
export class BundleError extends SmolvlmError {}

const copyAgain = 'Copy or prepare the bundle again; a damaged file is never run.';

/**
 * Checks that a file is complete and unchanged: first its size, then its SHA-256, which is computed once and
 * remembered while size and modification time stay.
 * @throws BundleError `bundle-file-missing`, `bundle-file-size`, `bundle-file-changed`
 */
export async function verifyBundleFile(bundleDir: string, file: BundleFile): Promise<void> {
  const path = join(bundleDir, file.path);
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) {
    throw new BundleError('bundle-file-missing', `${path} is missing`, { hint: copyAgain });
  }
  if (found.size !== file.sizeBytes) {
    throw new BundleError(
      'bundle-file-size',
      `${path}: expected ${file.sizeBytes} bytes, found ${found.size}`,
      { hint: copyAgain },
    );
  }
  const sha256 = await rememberedSha256(path);
  if (sha256 !== file.sha256) {
    throw new BundleError(
      'bundle-file-changed',
      `${path} was changed: expected SHA-256 ${file.sha256}, found ${sha256}`,
      { hint: copyAgain },
    );
  }
}

/** The manifest's entry of a file that was just written. @param name relative to the bundle */
export function bundleFile({
  name,
  sha256,
  sizeBytes,
}: Omit<BundleFile, 'path'> & { readonly name: string }): BundleFile {
  return { path: name, sha256, sizeBytes };
}

/** The manifest's entry of a file in a bundle. @param path relative to the bundle */
export async function describeBundleFile(bundleDir: string, path: string): Promise<BundleFile> {
  const absolute = join(bundleDir, path);
  return { path, sha256: await fileSha256(absolute), sizeBytes: (await stat(absolute)).size };
}
