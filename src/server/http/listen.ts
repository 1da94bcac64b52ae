import { randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { SmolvlmError } from '../../errors';
import { makeSocketDirectory } from '../../system/files/runtime-dir';
import { isListening, longestSocketPathBytes } from '../../system/files/unix-socket';

/** The socket file of a listening engine. */
export interface EngineSocket {
  /** Whether the path still leads to this engine: not when the file was removed, or replaced by another engine's. */
  isOurs(): boolean;
  /** Removes the file if it is ours. Called before the engine stops listening: until then no other engine takes the path. */
  remove(): void;
}

/**
 * Listens on a unix socket that only this user may open. Node removes the path it has bound when it stops listening, also
 * when that is another engine's by then: a name of our own is bound, and moved to the path.
 * @throws SmolvlmError `engine-running` when another engine answers there, `engine-listen`
 */
export async function listenOnSocket(app: FastifyInstance, path: string): Promise<EngineSocket> {
  const bound = join(dirname(path), `.${randomBytes(3).toString('hex')}`);
  checkLength(path);
  checkLength(bound);
  makeSocketDirectory(dirname(path));
  if (await isListening(path)) {
    throw new SmolvlmError('engine-running', `an engine already answers on ${path}`, {
      hint: 'Use it, or stop it first.',
    });
  }
  checkIsSocket(path);
  try {
    await app.listen({ path: bound });
  } catch (cause) {
    throw new SmolvlmError('engine-listen', `cannot listen on ${path}: ${String(cause)}`, {
      hint: 'Give another --socket, or set SMOLVLM_RUNTIME_DIR to a folder that this user can write to.',
      cause,
    });
  }
  chmodSync(bound, 0o600);
  const { dev, ino } = lstatSync(bound);
  renameSync(bound, path);
  const isOurs = (): boolean => {
    const found = lstatSync(path, { throwIfNoEntry: false });
    return found?.dev === dev && found.ino === ino;
  };
  return { isOurs, remove: () => isOurs() && rmSync(path, { force: true }) };
}

const socketCheckMs = 2_000;

/**
 * Calls back when clients no longer find this engine: its socket file was removed (by a cleaner of temporary files), or
 * replaced by another engine's.
 * @returns a function that stops watching
 */
export function watchSocket(socket: EngineSocket, onLost: () => void): () => void {
  const timer = setInterval(() => {
    if (socket.isOurs()) return;
    clearInterval(timer);
    onLost();
  }, socketCheckMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** @returns the URL it listens on */
export async function listenOnTcp(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (cause) {
    throw new SmolvlmError('engine-listen', `cannot listen on ${host}:${port}: ${String(cause)}`, {
      hint: 'Choose another --port, or stop the program that uses it.',
      cause,
    });
  }
}

/** A socket that no engine answers on may be replaced, any other file not. */
function checkIsSocket(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat || stat.isSocket()) return;
  throw new SmolvlmError('engine-listen', `${path} exists and is not a socket`, {
    hint: 'Give another --socket.',
  });
}

function checkLength(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= longestSocketPathBytes) return;
  throw new SmolvlmError(
    'engine-listen',
    `expected a socket path of at most ${longestSocketPathBytes} bytes, received ${bytes}: ${path}`,
    { hint: 'Give a shorter --socket, or set SMOLVLM_RUNTIME_DIR to a folder with a shorter path.' },
  );
}

/** Addresses that only programs on this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
