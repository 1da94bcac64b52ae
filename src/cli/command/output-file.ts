import { open, realpath, stat, unlink } from 'node:fs/promises';
import { SmolvlmError } from '../../errors';

/**
 * Checks that a command can write to the file that an option names, before minutes of work whose result would be lost.
 * @param option e.g. `--out` @throws SmolvlmError `command-output`
 */
export async function checkOutputFile(option: string, path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  // A pipe is closed to its reader by the first writer.
  if (found && !found.isFile() && !found.isDirectory()) return;
  try {
    await (await open(path, 'a')).close();
    // The target of a link, not the link itself.
    if (!found) await unlink(await realpath(path));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new SmolvlmError('command-output', `${option}: ${path} cannot be written: ${code}`, {
      hint: reasons[code ?? ''] ?? 'Give a file that this user can write.',
      cause,
    });
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'Its folder does not exist, or allows no new files: give another path.',
  ENOTDIR: 'A file is in the place of its folder: give another path.',
  EISDIR: 'It is a folder: give the path of a file.',
};
