import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SmolvlmError } from '../errors';
import { protocolVersion } from '../protocol/engine-status';
import { unlessAborted } from '../system/async/unless-aborted';
import { type Clock, RunningTime, systemClock } from '../system/clock';
import { engineSocketPath, makePrivateDirectory } from '../system/files/runtime-dir';
import { isListening, longestSocketPathBytes } from '../system/files/unix-socket';
import { FileLock } from '../system/lock/file-lock';
import { readSettings } from '../system/settings';
import { EngineEnd } from './engine-end';
import { drainEngine } from './engine-http';
import { type StartFailure, StartRetries, startFailure } from './start-retries';

export interface LocalEngineOptions {
  /** Folder of socket, lock and log; one engine process each. */
  readonly directory?: string;
  /** The program to run, with `--socket PATH` and `--idle-exit S` appended; default: this package's `smolvlm serve`. */
  readonly command?: readonly [string, ...string[]];
  /** Seconds the engine outlives its last client. */
  readonly idleExitSeconds?: number;
  readonly environment?: NodeJS.ProcessEnv;
  /** The time in which this process runs counts: a stopped or suspended one gives its engine as long as any other. */
  readonly startTimeoutMs?: number;
  /** Decides when a start has taken too long, and how long to pause before the next one. */
  readonly clock?: Clock;
}

const incompletePackage =
  'Files of this package are missing or incomplete. If it is being updated, wait until that has ended; otherwise install it again. ';

const logLimitBytes = 1024 * 1024;
const pollMs = 50;
const defaultStartTimeoutMs = 60_000;

/**
 * Finds this user's engine, or starts it; of several processes that do so at once, one starts it.
 * @param replace has the engine that is found end; its successor is then started before any other process can start one
 * @returns path of its socket
 * @throws SmolvlmError `engine-start` with the end of the engine's log, `runtime-dir`
 */
export async function joinLocalEngine(
  options: LocalEngineOptions,
  signal?: AbortSignal,
  replace?: () => Promise<boolean>,
): Promise<string> {
  const directory = options.directory ?? readSettings(options.environment).runtimeDir;
  makePrivateDirectory(directory);
  const socketPath = engineSocketPath(directory, protocolVersion);
  checkSocketLength(directory, socketPath);
  const clock = options.clock ?? systemClock;
  const { startTimeoutMs = defaultStartTimeoutMs } = options;
  const running = new RunningTime(clock);
  const isLate = (): boolean => running.ms() >= startTimeoutMs;
  const retries = new StartRetries(clock);
  let isReplaced = replace === undefined;
  while (!isLate()) {
    signal?.throwIfAborted();
    if (isReplaced && (await isListening(socketPath))) return socketPath;
    const lock = await FileLock.tryAcquire(join(directory, 'engine.lock')).catch((error: unknown) => {
      throw folderFault(directory, error);
    });
    if (!(lock instanceof FileLock)) {
      await delay(pollMs, undefined, { signal });
      continue;
    }
    let pauseMs: number | undefined = 0;
    try {
      if (!isReplaced) {
        isReplaced = true;
        const drain = async (): Promise<boolean> => {
          const drains = (await replace?.()) ?? false;
          if (drains) await stopsListening(socketPath, isLate, signal);
          return drains;
        };
        await endEngine(socketPath, clock, drain, signal);
      }
      if (await isListening(socketPath)) return socketPath;
      await drainFormerProtocols(directory, clock, signal);
      await start(options, directory, socketPath, isLate);
    } catch (error) {
      pauseMs = error instanceof StartError ? retries.pauseMs(error.failure) : undefined;
      if (pauseMs === undefined) throw folderFault(directory, error);
    } finally {
      await lock.release();
    }
    // Without the lock: another process may start the engine meanwhile.
    if (pauseMs > 0) await pause(pauseMs, clock, signal);
  }
  throw new SmolvlmError('engine-start', 'the engine did not start in time', {
    hint: `Its log is ${join(directory, 'engine.log')}.`,
  });
}

/** Connecting to a longer path fails in a way that does not show whether an engine is there. */
function checkSocketLength(directory: string, socketPath: string): void {
  const bytes = Buffer.byteLength(socketPath);
  if (bytes <= longestSocketPathBytes) return;
  const room = longestSocketPathBytes - (bytes - Buffer.byteLength(directory));
  throw new SmolvlmError(
    'runtime-dir',
    `expected a folder with a path of at most ${room} bytes for the engine's socket, received ${directory}`,
    { hint: 'Set SMOLVLM_RUNTIME_DIR to a folder with a shorter path.' },
  );
}

/** An engine that ends closes its socket first, and then finishes what it has begun. */
async function stopsListening(
  socketPath: string,
  isLate: () => boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  while (!isLate() && (await isListening(socketPath))) {
    await delay(pollMs, undefined, { signal });
  }
}

/** Engines of older protocols on this machine would hold a second copy of the model: waits until they have ended. */
async function drainFormerProtocols(
  directory: string,
  clock: Clock,
  signal: AbortSignal = new AbortController().signal,
): Promise<void> {
  for (const name of readdirSync(directory)) {
    const [, protocol] = /^engine-(\d+)\.sock$/.exec(name) ?? [];
    if (protocol === undefined || Number(protocol) >= protocolVersion) continue;
    const socketPath = join(directory, name);
    // One that does not answer has ended.
    const drain = (): Promise<boolean> => drainEngine({ socketPath }, signal).catch(() => false);
    await endEngine(socketPath, clock, drain, signal);
  }
}

/**
 * Has an engine end, and waits until its models are closed.
 * @param drain false when it does not end
 * @throws the signal's reason when it aborts
 */
async function endEngine(
  socketPath: string,
  clock: Clock,
  drain: () => Promise<boolean>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const end = await EngineEnd.watch(socketPath);
  try {
    if (await drain()) await end?.reached(clock, signal);
  } finally {
    end?.close();
  }
}

/** What the system refuses in a runtime folder; a folder that was removed meanwhile is made again instead. */
const folderFaults = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'EISDIR', 'ENOTDIR']);

/** The error itself, or what it says about the folder of socket, lock and log. */
function folderFault(directory: string, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof SmolvlmError || code === undefined || !folderFaults.has(code)) return error;
  return new SmolvlmError('runtime-dir', `the engine cannot write to its folder ${directory}: ${message}`, {
    hint:
      code === 'ENOSPC' || code === 'EDQUOT'
        ? 'Free some space there, or set SMOLVLM_RUNTIME_DIR to a folder on another disk.'
        : 'Make the folder writable for this user, or set SMOLVLM_RUNTIME_DIR to another one.',
    cause: error,
  });
}

/** @throws the signal's reason when it aborts */
async function pause(ms: number, clock: Clock, signal: AbortSignal | undefined): Promise<void> {
  let cancel = (): void => {};
  const passed = new Promise<void>((resolve) => {
    cancel = clock.after(ms, resolve);
  });
  await unlessAborted(passed, signal).finally(cancel);
}

/** The engine ended while it started. */
class StartError extends SmolvlmError {
  readonly failure: StartFailure;

  constructor(
    code: 'engine-start',
    message: string,
    { failure, hint }: { failure: StartFailure; hint: string },
  ) {
    super(code, message, { hint });
    this.failure = failure;
  }
}

/** Starts it detached: it serves other clients too, and outlives this process. */
async function start(
  options: LocalEngineOptions,
  directory: string,
  socketPath: string,
  isLate: () => boolean,
): Promise<void> {
  const logPath = join(directory, 'engine.log');
  const logStart = prepareLog(logPath);
  const [program, ...args] = options.command ?? [
    process.execPath,
    join(__dirname, '..', 'cli', 'main.js'),
    'serve',
  ];
  const log = openSync(logPath, 'a', 0o600);
  let child: ChildProcess;
  try {
    const idleExit = ['--idle-exit', String(options.idleExitSeconds ?? 60)];
    child = spawn(program, [...args, '--socket', socketPath, ...idleExit], {
      detached: true,
      stdio: ['ignore', log, log],
      cwd: directory,
      env: options.environment ?? process.env,
    });
  } finally {
    closeSync(log);
  }
  let ended: string | undefined;
  let end: number | 'signal' | undefined;
  child.once('error', (error) => {
    ended = error.message;
  });
  child.once('exit', (code, exitSignal) => {
    end = code ?? 'signal';
    ended ??= code === null ? `it was killed by ${exitSignal}` : `it ended with code ${code}`;
  });
  child.unref();
  while (!isLate()) {
    if (await isListening(socketPath)) return;
    if (ended !== undefined) {
      const log = endOf(logPath, logStart);
      const words = log.trim().split('\n').slice(-5).join(' | ');
      const failure = startFailure(log, end);
      throw new StartError(
        'engine-start',
        `the engine did not start: ${ended}${words && `; its log ends with: ${words}`}`,
        { failure, hint: `${failure === 'incomplete' ? incompletePackage : ''}Its log is ${logPath}.` },
      );
    }
    await delay(pollMs);
  }
  child.kill('SIGKILL');
}

/** @returns the log's size before the engine writes to it */
function prepareLog(path: string): number {
  const sizeBytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (sizeBytes <= logLimitBytes) return sizeBytes;
  renameSync(path, `${path}.1`);
  return 0;
}

/** The last 4 KiB written to the log from a position on. */
function endOf(path: string, from: number): string {
  const bytes = Buffer.alloc(4096);
  const fd = openSync(path, 'r');
  try {
    const start = Math.max(from, (statSync(path).size ?? 0) - bytes.length);
    const length = readSync(fd, bytes, 0, bytes.length, start);
    return bytes.toString('utf8', 0, length);
  } finally {
    closeSync(fd);
  }
}
