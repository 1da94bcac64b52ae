import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { type ErrorBody, SmolvlmError } from '../errors';

/** From dist/src/client. */
const commandLine = join(__dirname, '..', 'cli', 'main.js');

/** Time for a command to leave in order once it was asked to. */
const graceMs = 10_000;

/** A step of a long command. */
export interface CommandStep {
  readonly step: string;
  readonly done: number;
  readonly total: number;
  /** Of a conversion: stages of the vision tower that are made, e.g. 7 of 24. */
  readonly stages?: { readonly done: number; readonly total: number };
  readonly secondsLeft?: number;
}

export interface CommandChildOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (step: CommandStep) => void;
  /** The program and its first arguments, for tests. */
  readonly command?: readonly [string, ...string[]];
}

/** A command that ran to its end. */
export interface CommandEnd {
  /** 0 ok; 1 with a document: it ran, and the answer is no. */
  readonly status: number;
  readonly document: unknown;
}

/** What a command started over IPC tells beside its output. */
type CommandMessage = { readonly progress: CommandStep } | { readonly error: ErrorBody };

/**
 * Runs a `smolvlm` command in a process of its own: what it loads, and what may go wrong with that, stays there.
 * @returns its JSON document
 * @throws SmolvlmError with the command's own code; `command-lost` when it dies; the signal's reason when aborted
 */
export async function runCommandChild(
  args: readonly string[],
  { signal, onProgress, command = [process.execPath, commandLine] }: CommandChildOptions = {},
): Promise<CommandEnd> {
  signal?.throwIfAborted();
  const [program, ...first] = command;
  const child = spawn(program, [...first, ...args, '--json'], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  let stdout = '';
  let told = '';
  let fault: ErrorBody | undefined;
  child.stdout?.on('data', (data: Buffer) => {
    stdout += data;
  });
  child.stderr?.on('data', (data: Buffer) => {
    told = `${told}${data}`.slice(-2000);
  });
  child.on('message', (message: CommandMessage) => {
    if ('progress' in message) onProgress?.(message.progress);
    else fault = message.error;
  });
  let killing: NodeJS.Timeout | undefined;
  const stop = (): void => {
    child.kill('SIGTERM');
    killing = setTimeout(() => child.kill('SIGKILL'), graceMs);
  };
  signal?.addEventListener('abort', stop, { once: true });
  const ended = await new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, killed) => resolve(code ?? killed ?? 'unknown'));
  });
  clearTimeout(killing);
  signal?.removeEventListener('abort', stop);
  signal?.throwIfAborted();
  if (fault) throw SmolvlmError.from(fault);
  const document = parsed(stdout);
  if (typeof ended === 'number' && document !== undefined) return { status: ended, document };
  throw new SmolvlmError('command-lost', `smolvlm ${args[0]} ended with ${ended}`, {
    hint: `It said: ${told.trim().split('\n').at(-1) || 'nothing'}`,
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
