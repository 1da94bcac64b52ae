import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { SmolvlmError } from '../../errors';
import { makePrivateDirectory } from '../../system/runtime-dir';

/** Listens on a unix socket that only this user may open. @throws SmolvlmError `engine-running` when another engine does */
export async function listenOnSocket(app: FastifyInstance, path: string): Promise<void> {
  makePrivateDirectory(dirname(path));
  if (await answers(path)) {
    throw new SmolvlmError('engine-running', `an engine answers on ${path} already`, {
      hint: 'Use it, or stop it first.',
    });
  }
  removeDeadSocket(path);
  await app.listen({ path });
  chmodSync(path, 0o600);
}

const socketCheckMs = 2_000;

/**
 * Notices that the socket's file was removed (a cleaner of temporary files): nobody finds this engine any more.
 * @returns how to stop watching
 */
export function watchSocket(path: string, onRemoved: () => void): () => void {
  const timer = setInterval(() => {
    if (lstatSync(path, { throwIfNoEntry: false })) return;
    clearInterval(timer);
    onRemoved();
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
      hint: 'Choose another --port, or stop the program that holds it.',
      cause,
    });
  }
}

/** Only a refused connection proves that nobody listens: a full backlog, say, does not. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => {
      resolve(!('code' in error && (error.code === 'ECONNREFUSED' || error.code === 'ENOENT')));
    });
  });
}

function removeDeadSocket(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return;
  if (!stat.isSocket()) {
    throw new SmolvlmError('engine-listen', `${path} is no socket: it is left alone`, {
      hint: 'Give another --socket.',
    });
  }
  rmSync(path, { force: true });
}

/** Addresses that only programs of this machine reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
