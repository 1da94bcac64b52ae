import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename } from 'node:path';
import { isJsonObject } from '../json/json-fields';

/** The process that holds a lock. */
export interface LockHolder {
  /** Host name and process namespace: process ids mean something to processes that share both. */
  readonly host: string;
  readonly pid: number;
  /** Tells a process from a later one with the same number. */
  readonly started: string;
  readonly token: string;
  /** Program and first argument, e.g. `node main.js serve`. */
  readonly command: string;
  /** When it got the lock, ISO 8601. */
  readonly since: string;
}

/**
 * Without a heartbeat for this long a holder counts as gone where its process cannot tell: on another machine, in
 * another container, or on a thread of this process, which may have crashed.
 */
const silentMs = 60_000;

/** A power cut may leave a lock file without its content. */
export const unknownHolder: LockHolder = {
  host: '',
  pid: 0,
  started: '',
  token: '',
  command: 'unknown',
  since: '',
};

/** This process, as a lock file describes it. */
export function thisProcess(): Pick<LockHolder, 'host' | 'pid' | 'started' | 'command'> {
  const [program = '', script = '', argument = ''] = commandLine();
  const command = [basename(program), basename(script), argument].join(' ').trim();
  return { host: hostName(), pid: process.pid, started: startTime(process.pid) ?? '', command };
}

/** The content of a lock file. @returns undefined when it does not describe a holder */
export function parseLockHolder(text: string): LockHolder | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isJsonObject(value) || !isProcessId(value.pid) || typeof value.host !== 'string') return undefined;
  const word = (key: string): string => plainText(String(value[key] ?? ''));
  const { pid } = value;
  const [host, started, token] = [word('host'), word('started'), word('token')];
  return { host, pid, started, token, command: word('command'), since: word('since') };
}

function isProcessId(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) < 2 ** 31;
}

/** Another user wrote it, and it is shown in a terminal or a log. */
function plainText(text: string): string {
  return text.slice(0, 200).replace(/[\p{Cc}\p{Cf}]/gu, '?');
}

/** @param seenAtMs when it last renewed its lock */
export function isGone(holder: LockHolder, seenAtMs: number): boolean {
  if (holder.host === hostName() && !isThisProcess(holder)) return !isRunning(holder);
  return Date.now() - seenAtMs > silentMs;
}

function isThisProcess({ pid, started }: LockHolder): boolean {
  return pid === process.pid && started === (startTime(pid) ?? '');
}

function isRunning({ pid, started }: LockHolder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const now = startTime(pid);
  return now === undefined || now === started;
}

/** @returns undefined where processes cannot be inspected: no /proc, or another user's with `hidepid` */
function startTime(pid: number): string | undefined {
  try {
    return startTimeOf(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Ticks since boot at which a process started, from its `/proc/PID/stat` (proc(5), field 22); '' for one
 * that has ended and was not waited for by its parent.
 */
export function startTimeOf(stat: string): string {
  // The command's name, in parentheses, may hold blanks; the fields after it are counted from the third.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? '' : (fields[19] ?? '');
}

/** Two containers may have one name, and count their processes apart. */
function hostName(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

/** Options of node whose value is a separate argument, such as a program's text. */
const valueOption = /^(-e|--eval|-p|--print|-pe|-r|--require|--import|-C|--conditions)$/;

/** Of the process, also on its threads; options of node itself left out. */
function commandLine(): readonly string[] {
  try {
    const [program = '', ...rest] = readFileSync('/proc/self/cmdline', 'utf8').split('\0');
    const script = rest.findIndex(
      (argument, index) => !argument.startsWith('-') && !valueOption.test(rest[index - 1] ?? ''),
    );
    return [program, ...(script < 0 ? [] : rest.slice(script))];
  } catch {
    return process.argv;
  }
}
