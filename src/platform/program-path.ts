import { posix } from 'node:path';
import type { SystemFiles } from './recording/system-files';

/**
 * Looks a program up on the process's PATH; nothing is run.
 * @param names in the order they are wanted, an absolute path as it is
 * @returns path of the first that is there and fits
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
