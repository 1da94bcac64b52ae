import type { ParseArgsConfig } from 'node:util';
import { SmolvlmError } from '../../errors';
import type { Settings } from '../../system/settings';

/** A wrong command line: exit status 2. */
export class UsageError extends SmolvlmError {
  constructor(message: string, hint?: string) {
    super('usage', message, { hint });
  }
}

export type OptionValues = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

/** A step of a long command, for people and for the process that started it. */
export interface CommandProgress {
  /** The step just finished or in progress, e.g. `l3_mlp`. */
  readonly step: string;
  readonly done: number;
  readonly total: number;
  /** Of a conversion: finished stages of the vision tower, e.g. 7 of 24. */
  readonly stages?: { readonly done: number; readonly total: number };
  /** Estimated from the steps so far; absent while there is no estimate. */
  readonly secondsLeft?: number;
}

/** Where a command prints: results on stdout, progress and logs on stderr. */
export interface CommandIo {
  readonly json: boolean;
  /** Prints the result: the document with `--json`, else the readable text. */
  result(document: unknown, text: string): void;
  /** A line on stderr. */
  log(line: string): void;
  /** Progress of a long command: a line on stderr, and a message to the process that started it over IPC. */
  progress(event: CommandProgress): void;
  /** Aborted by Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
}

export interface Command {
  readonly summary: string;
  /** Shown by `--help`, without the leading `smolvlm`. */
  readonly usage: string;
  /** For `node:util` parseArgs; `--json` and `--help` are added. */
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** A service: continues when the process that started it over IPC has ended. Other commands stop, since nothing reads their result. */
  readonly outlivesCaller?: boolean;
  /** Has arguments besides its options; they are an error for every other command. */
  readonly takesArguments?: boolean;
  /** @returns exit status 0 (ok) or 1 (failed, already reported) @throws UsageError for a wrong command line */
  run(
    values: OptionValues,
    positionals: readonly string[],
    io: CommandIo,
    settings: Settings,
  ): Promise<number>;
}

/** A command with subcommands, each in its own file and loaded when called. */
export interface CommandGroup {
  readonly summary: string;
  readonly subcommands: CommandTable<Command>;
}

export type CommandTable<T> = Readonly<Record<string, () => Promise<{ readonly command: T }>>>;

/** @throws UsageError when the option is missing or not a string */
export function requiredString(values: OptionValues, name: string): string {
  const value = values[name];
  if (typeof value !== 'string' || value === '') {
    throw new UsageError(`--${name} is missing`);
  }
  return value;
}

/** @throws UsageError when the option is given and is not a whole number in [min, max] */
export function optionalInteger(
  values: OptionValues,
  name: string,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
): number | undefined {
  const value = values[name];
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!Number.isInteger(number) || number < min || number > max) {
    throw new UsageError(
      `--${name}: expected a whole number from ${min} to ${max}, received "${String(value)}"`,
    );
  }
  return number;
}

/** @throws UsageError when the option is given and is not one of the values */
export function optionalChoice<const T extends string>(
  values: OptionValues,
  name: string,
  allowed: readonly T[],
): T | undefined {
  const value = values[name];
  if (value === undefined) return undefined;
  const chosen = allowed.find((each) => each === value);
  if (chosen === undefined) {
    throw new UsageError(`--${name}: expected ${allowed.join(' or ')}, received "${String(value)}"`);
  }
  return chosen;
}

/** @throws UsageError when the option is given and is not a number in [min, max] */
export function optionalNumber(
  values: OptionValues,
  name: string,
  min: number,
  max: number,
): number | undefined {
  const value = values[name];
  if (value === undefined) return undefined;
  const number = Number(value);
  if (value === '' || !(number >= min && number <= max)) {
    throw new UsageError(`--${name}: expected a number from ${min} to ${max}, received "${String(value)}"`);
  }
  return number;
}

/** @throws UsageError when the option is given without a value */
export function optionalString(values: OptionValues, name: string): string | undefined {
  const value = values[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '') throw new UsageError(`--${name}: expected a value`);
  return value;
}
