import { lstatSync, mkdirSync, readlinkSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { SmolvlmError } from '../../errors';
import { readOnlyFolder } from './read-only-folder';

/** Another process may remove the folder above meanwhile. */
const mostAttempts = 3;

/**
 * Makes a folder, and the folders above it that do not exist. Node's own recursive mkdir never returns where the system
 * refuses every name, as in /proc.
 * @param mode permissions of the folders that are made, before the umask
 * @returns the topmost folder that was made; undefined when the folder was there
 * @throws SmolvlmError `folder-unusable`, `folder-read-only`; what the system says for other causes, such as a full disk
 */
export async function makeFolder(folder: string, mode = 0o777): Promise<string | undefined> {
  const path = resolve(folder);
  let topmost: string | undefined;
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const found = await mkdir(path, mode).then(
      () => 'made' as const,
      (error: unknown) => foundInstead(path, error),
    );
    if (found !== 'no parent') return topmost ?? (found === 'made' ? path : undefined);
    topmost = (await makeFolder(dirname(path), mode)) ?? topmost;
  }
  throw unusableFolder(`no folder can be made in ${dirname(path)}`);
}

/** The same, and blocks the thread meanwhile. */
export function makeFolderSync(folder: string, mode = 0o777): string | undefined {
  const path = resolve(folder);
  let topmost: string | undefined;
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const found = tryMake(path, mode);
    if (found !== 'no parent') return topmost ?? (found === 'made' ? path : undefined);
    topmost = makeFolderSync(dirname(path), mode) ?? topmost;
  }
  throw unusableFolder(`no folder can be made in ${dirname(path)}`);
}

function tryMake(path: string, mode: number): 'made' | ReturnType<typeof foundInstead> {
  try {
    mkdirSync(path, mode);
    return 'made';
  } catch (error) {
    return foundInstead(path, error);
  }
}

/** What was in the place of a folder that could not be made. */
function foundInstead(path: string, error: unknown): 'folder' | 'no parent' {
  if (isFolder(path)) return 'folder';
  const { code } = error as NodeJS.ErrnoException;
  const parent = dirname(path);
  if (code === 'ENOENT' && parent !== path) return 'no parent';
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') {
    throw readOnlyFolder(parent, code, error);
  }
  if (code === 'EEXIST' || code === 'ENOTDIR' || code === 'ELOOP')
    throw unusableFolder(inTheWay(path), error);
  throw error;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** What is in the place of a folder, or of one above it. */
function inTheWay(path: string): string {
  try {
    if (!lstatSync(path).isSymbolicLink()) return `expected a folder at ${path}, found a file`;
    return `expected a folder at ${path}, found a link to ${readlinkSync(path)}, which is not one`;
  } catch {
    return inTheWay(dirname(path));
  }
}

/** A folder in which nothing can be made. */
export function unusableFolder(message: string, cause?: unknown): SmolvlmError {
  return new SmolvlmError('folder-unusable', message, { hint: 'Choose another folder.', cause });
}
