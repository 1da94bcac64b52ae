import { lstatSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { errorBody, SmolvlmError } from '../../errors';
import { makeFolderSync } from './make-folder';
import { isOwn } from './shared-files';

/**
 * Makes a folder that only this user can enter. An existing one is checked and not changed: it must belong to
 * this user, and no other user may write to it.
 * @throws SmolvlmError `runtime-dir`
 */
export function makePrivateDirectory(directory: string): void {
  const stat = makeDirectory(directory);
  if (!stat.isDirectory()) throw refused(`expected a folder at ${directory}, found a link`);
  if (!isOwn(stat)) throw refused(`${directory} is not a folder of this user`);
  if (isWritableByOthers(stat)) throw openToOthers(directory, `chmod go-w ${directory}`);
}

/**
 * Makes the folder of a socket, for this user alone. An existing one is checked and not changed: it may be a folder of
 * the system such as /run or /tmp, but no other user may be able to replace the socket in it.
 * @throws SmolvlmError `runtime-dir`
 */
export function makeSocketDirectory(directory: string): void {
  const found = makeDirectory(directory);
  // /var/run is a link on most systems.
  const stat = found.isSymbolicLink() ? statSync(directory) : found;
  if (![found, stat].every((each) => isOwn(each) || each.uid === 0)) {
    throw refused(`${directory} belongs to another user`);
  }
  const sticky = (stat.mode & 0o1000) !== 0;
  if (isWritableByOthers(stat) && !sticky) throw openToOthers(directory, `chmod +t ${directory}`);
}

/** Sockets of engines that speak different protocols never meet. */
export function engineSocketPath(directory: string, protocol: number): string {
  return join(directory, `engine-${protocol}.sock`);
}

function makeDirectory(directory: string): Stats {
  try {
    makeFolderSync(directory, 0o700);
    return lstatSync(directory);
  } catch (cause) {
    throw refused(`the folder ${directory} cannot be made: ${errorBody(cause).message}`, cause);
  }
}

/** A group with the number of its user is that user's private group on most systems. */
function isWritableByOthers({ mode, uid, gid }: Stats): boolean {
  if (process.platform === 'win32') return false;
  return (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && gid !== uid);
}

function openToOthers(directory: string, remedy: string): SmolvlmError {
  return refused(`other users can write to ${directory}`, undefined, `Run ${remedy}. `);
}

function refused(message: string, cause?: unknown, remedy = ''): SmolvlmError {
  return new SmolvlmError('runtime-dir', message, {
    hint: `${remedy}Set SMOLVLM_RUNTIME_DIR or --socket to a place that only you can write to.`,
    cause,
  });
}
