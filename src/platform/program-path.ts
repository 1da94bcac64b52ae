import { posix } from 'node:path';
import type { SystemFiles } from './recording/system-files';

/**
 * Finds a program on the process's PATH without running it.
 * @param names in order of preference; absolute paths are used unchanged
 * @returns path of the first that exists and fits
 */
export function findProgram(
  files: SystemFiles,
  names: readonly string[],
  fits: (path: string) => boolean = () => true,
): string | undefined {
  const folders = (files.process.environment.PATH ?? '/usr/bin').split(':').filter(posix.isAbsolute);
  return names
    .flatMap((name) => (posix.isAbsolute(name) ? name : folders.map((folder) => posix.join(folder, name))))
    .find((path) => files.has(path) && fits(path));
}
