import { join } from 'node:path';

/** This package's folder, seen from dist/src/system/files. */
const packageFolder = join(__dirname, '..', '..', '..', '..');

/** @param path of a file of this package that is not code, from the package's folder */
export function packageFile(...path: readonly string[]): string {
  return join(packageFolder, ...path);
}
