import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { SmolvlmError } from '../../errors';
import { bundleManifestName } from '../../model/bundle/read-bundle';

/**
 * Checks that a bundle may be put at a path: there is nothing, an empty folder, or an earlier bundle.
 * @param ours file names that also mark a folder as made by this package
 * @throws SmolvlmError `bundle-place` for anything else, which would be lost
 */
export async function checkBundlePlace(path: string, ours: readonly string[] = []): Promise<void> {
  const names = await readdir(path).catch((error: NodeJS.ErrnoException): string[] => {
    // A file in the place of a folder above it is named where the bundle's folder is made.
    if (!existsSync(path)) return [];
    throw taken(path, error.code === 'ENOTDIR' ? 'is a file' : error.message);
  });
  if (names.length === 0 || [bundleManifestName, ...ours].some((name) => names.includes(name))) return;
  throw taken(path, `holds other files (${names.slice(0, 3).join(', ')})`);
}

function taken(path: string, what: string): SmolvlmError {
  return new SmolvlmError('bundle-place', `${path} ${what}: a bundle would replace it`, {
    hint: 'Give the name of a new folder, or of an earlier bundle.',
  });
}
