import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { type ErrorBody, SmolvlmError } from '../../errors';

/** From dist/src/client/children. */
const commandLine = join(__dirname, '..', '..', 'cli', 'main.js');

/** Time for an aborted command to end by itself, and for what it leaves running to close its output. */
const defaultGraceMs = 10_000;

/** A step of a long command. */
export interface CommandStep {
  readonly step: string;
  readonly done: number;
  readonly total: number;
  /** For a conversion: stages of the vision tower that are made, e.g. 7 of 24. */
  readonly stages?: { readonly done: number; readonly total: number };
  readonly secondsLeft?: number;
}

export interface CommandChildOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (step: CommandStep) => void;
  /** The program and its first arguments, for tests. */
  readonly command?: readonly [string, ...string[]];
  readonly graceMs?: number;
}

/** A command that ran to its end. */
export interface CommandEnd {
  /** 0: success; 1 with a document: it ran, and the answer is no. */
  readonly status: number;
  readonly document: unknown;
}

/** What a command sends over IPC besides its output. */
type CommandMessage = { readonly progress: CommandStep } | { readonly error: ErrorBody };

/**
 * Runs a `smolvlm` command in its own process, so that what it loads, and its crashes, stay there.
 * @returns its JSON document
 * @throws SmolvlmError with the command's own code; `command-lost` when it crashes; the signal's reason when aborted
 */
export async function runCommandChild(
  args: readonly string[],
  options: CommandChildOptions = {},
): Promise<CommandEnd> {
  const { signal, onProgress, command = [process.execPath, commandLine], graceMs = defaultGraceMs } = options;
  signal?.throwIfAborted();
  const [program, ...first] = command;
  const child = spawn(program, [...first, ...args, '--json'], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  let output = '';
  let errorOutput = '';
  let failure: ErrorBody | undefined;
  // Decoded as a stream: a character may be split between two chunks.
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errorOutput = `${errorOutput}${text}`.slice(-2000);
  });
  child.on('message', (message: CommandMessage) => {
    if ('progress' in message) onProgress?.(message.progress);
    else failure = message.error;
  });
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    child.kill('SIGTERM');
    timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  };
  signal?.addEventListener('abort', stop, { once: true });
  // A program that the command started may keep the pipes open after the command's end.
  child.once('exit', () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      child.stdout?.destroy();
      child.stderr?.destroy();
    }, graceMs);
  });
  const end = await new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, exitSignal) => resolve(code ?? exitSignal ?? 'unknown'));
  });
  clearTimeout(timer);
  signal?.removeEventListener('abort', stop);
  signal?.throwIfAborted();
  if (failure) throw SmolvlmError.from(failure);
  const document = parsed(output);
  if (typeof end === 'number' && document !== undefined) return { status: end, document };
  throw new SmolvlmError('command-lost', `smolvlm ${args[0]} ended with ${end}`, {
    hint: `Its last output: ${errorOutput.trim().split('\n').at(-1) || 'nothing'}`,
  });
}

/** @returns undefined for a text that is not JSON */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
