import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { SmolvlmError } from '../errors';

/** @throws SmolvlmError `runtime-dir` when it cannot be made, or is somebody else's */
export function makePrivateDirectory(directory: string): void {
  const hint = 'Set SMOLVLM_RUNTIME_DIR to a folder that only you can write to.';
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const stat = lstatSync(directory);
    if (!stat.isDirectory() || stat.uid !== userInfo().uid) {
      throw new SmolvlmError('runtime-dir', `${directory} is not a folder of this user`, { hint });
    }
    if ((stat.mode & 0o077) !== 0) chmodSync(directory, 0o700);
  } catch (cause) {
    if (cause instanceof SmolvlmError) throw cause;
    throw new SmolvlmError('runtime-dir', `the folder ${directory} cannot be made: ${String(cause)}`, {
      hint,
      cause,
    });
  }
}

/** Sockets of engines that speak different protocols never meet. */
export function engineSocketPath(directory: string, protocol: number): string {
  return join(directory, `engine-${protocol}.sock`);
}
