import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { SmolvlmError } from '../errors';

/**
 * Where the socket, start lock and log of this user's engine are. Not $XDG_RUNTIME_DIR nor $TMPDIR:
 * a Node-RED that runs as a service and a shell of the same user have different ones, and must meet.
 */
export function runtimeDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  const given = environment.SMOLVLM_RUNTIME_DIR;
  if (given !== undefined && given !== '') return given;
  return join(process.platform === 'linux' ? '/tmp' : tmpdir(), `smolvlm-${userInfo().uid}`);
}

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
