import { dirname } from 'node:path';
import { SmolvlmError } from '../../errors';

/**
 * Runs work that writes below a path, and names the folder in the error if it cannot be written to.
 * @throws SmolvlmError `folder-read-only`; else what the work throws
 */
export async function namingReadOnly<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { code, path: refused } = cause as NodeJS.ErrnoException;
    const isOurs =
      refused === undefined || `${path}/`.startsWith(refused) || refused.startsWith(dirname(path));
    if (!['EROFS', 'EACCES', 'EPERM'].includes(code ?? '') || !isOurs) throw cause;
    throw readOnlyFolder(dirname(path), code, cause);
  }
}

/** @param code of the system, e.g. `EROFS` */
export function readOnlyFolder(folder: string, code: string | undefined, cause: unknown): SmolvlmError {
  return new SmolvlmError('folder-read-only', `${folder} cannot be written to: ${code}`, {
    hint: 'Give this user write access to it, or choose another folder (SMOLVLM_CACHE for the cache).',
    cause,
  });
}
