import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SmolvlmError } from '../../errors';
import { fileSha256 } from '../../system/file-checksum';
import { rememberedSha256 } from '../checksum-memory';
import type { BundleFile } from './bundle-manifest';

/** A bundle, its manifest or one of its files is not what it should be. */
export class BundleError extends SmolvlmError {}

const wayOut = 'Copy or prepare the bundle again; a damaged file is never run.';

/**
 * Checks that a file is whole and unchanged: its size first, then its SHA-256, which is computed once and
 * remembered while size and time of change stay.
 * @throws BundleError `bundle-file-missing`, `bundle-file-size`, `bundle-file-changed`
 */
export async function verifyBundleFile(bundleDir: string, file: BundleFile): Promise<void> {
  const path = join(bundleDir, file.path);
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) {
    throw new BundleError('bundle-file-missing', `${path} is missing`, { hint: wayOut });
  }
  if (found.size !== file.sizeBytes) {
    throw new BundleError(
      'bundle-file-size',
      `${path}: expected ${file.sizeBytes} bytes, found ${found.size}`,
      { hint: wayOut },
    );
  }
  const sha256 = await rememberedSha256(path);
  if (sha256 !== file.sha256) {
    throw new BundleError(
      'bundle-file-changed',
      `${path} was changed: expected SHA-256 ${file.sha256}, found ${sha256}`,
      { hint: wayOut },
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

/** Describes a file as it lies in a bundle. @param path relative to the bundle */
export async function describeBundleFile(bundleDir: string, path: string): Promise<BundleFile> {
  const absolute = join(bundleDir, path);
  return { path, sha256: await fileSha256(absolute), sizeBytes: (await stat(absolute)).size };
}
