import { constants } from 'node:fs';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { SmolvlmError } from '../../errors';

// Files in folders that other users can write to. Nothing that was planted there is followed, waited for or changed.

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

/** Content of a small file. */
export interface SmallFile {
  readonly text: string;
  readonly modifiedMs: number;
  /** The user it belongs to. */
  readonly uid: number;
}

/** A lock or a log of locks is far smaller. */
const mostBytes = 64 * 1024;

/**
 * Creates a file that was not there, its name no link, with these permissions whatever the umask is.
 * @param path must be unpredictable where others can write @returns the file, open; the caller closes it
 */
export async function createFile(path: string, text: string, mode: number): Promise<FileHandle> {
  const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    await file.writeFile(text);
    await file.chmod(mode);
    return file;
  } catch (error) {
    await file.close();
    await removeFile(path);
    throw error;
  }
}

/** Replaces a file as a whole. A link of that name is replaced, not followed. @param token makes the draft's name unpredictable */
export async function replaceFile(path: string, text: string, mode: number, token: string): Promise<void> {
  const draft = `${path}.${token}`;
  await (await createFile(draft, text, mode)).close();
  try {
    await rename(draft, path);
  } catch (error) {
    await removeFile(draft);
    throw error;
  }
}

/** Whether a file or folder belongs to this user. Windows has no user numbers: every file has the number 0 there. */
export function isOwn({ uid }: { readonly uid: number }): boolean {
  return uid === (process.getuid?.() ?? 0);
}

/** Removes a file, or a link itself; one that is gone already is fine. @throws what the system says, EPERM included */
export async function removeFile(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

/**
 * Reads a small file.
 * @returns undefined when there is none @throws SmolvlmError `file-lock` for a link, a pipe, anything but a small file
 */
export async function readSmallFile(path: string): Promise<SmallFile | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP' || code === 'ENXIO') throw notAFile(path, code === 'ELOOP' ? 'a link' : 'a socket');
    throw error;
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw notAFile(path, 'something else');
    if (stat.size > mostBytes) throw notAFile(path, `${stat.size} bytes`);
    return { text: await file.readFile('utf8'), modifiedMs: stat.mtimeMs, uid: stat.uid };
  } finally {
    await file.close();
  }
}

function notAFile(path: string, found: string): SmolvlmError {
  return new SmolvlmError('file-lock', `expected a small file at ${path}, found ${found}`, {
    hint: 'This package did not make this file. Find out what did, and remove it.',
  });
}
