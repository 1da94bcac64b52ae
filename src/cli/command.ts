import type { ParseArgsConfig } from 'node:util';
import { SmolvlmError } from '../errors';
import type { Settings } from '../system/settings';

/** A wrong command line: exit status 2. */
export class UsageError extends SmolvlmError {
  constructor(message: string, hint?: string) {
    super('usage', message, { hint });
  }
}

export type OptionValues = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

/** A step of a long command, for people and for the process that started it. */
export interface CommandProgress {
  /** What was just done or is under way, e.g. `l3_mlp`. */
  readonly step: string;
  readonly done: number;
  readonly total: number;
  /** Of a conversion: stages of the vision tower that are made, e.g. 7 of 24. */
  readonly stages?: { readonly done: number; readonly total: number };
  /** From the pace so far; absent while nothing can be said. */
  readonly secondsLeft?: number;
}

/** Where a command prints: results on stdout, progress and logs on stderr. */
export interface CommandIo {
  readonly json: boolean;
  /** Prints the result: the document itself with `--json`, else the readable text. */
  result(document: unknown, text: string): void;
  /** A line on stderr. */
  log(line: string): void;
  /** How far a long command is: a line on stderr, and a message to the process that started it over IPC. */
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
  /** A service: goes on when the process that started it over IPC is gone. Others end, since nobody takes their result. */
  readonly outlivesCaller?: boolean;
  /** @returns exit status 0 (ok) or 1 (failed, already said) @throws UsageError for a wrong command line */
  run(
    values: OptionValues,
    positionals: readonly string[],
    io: CommandIo,
    settings: Settings,
  ): Promise<number>;
}

/** A command made of subcommands, each in a file of its own and loaded when called. */
export interface CommandGroup {
  readonly summary: string;
  readonly subcommands: CommandTable<Command>;
}

export type CommandTable<T> = Readonly<Record<string, () => Promise<{ readonly command: T }>>>;

/** @throws UsageError when the option is missing or not a string */
export function requiredString(values: OptionValues, name: string): string {
  const value = values[name];
  if (typeof value !== 'string' || value === '') {
    throw new UsageError(`--${name} is missing`, 'See smolvlm COMMAND --help.');
  }
  return value;
}

/** @throws UsageError when the option is given and is no whole number in [min, max] */
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

/** @throws UsageError when the option is given and is none of the values */
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

/** @throws UsageError when the option is given and is no number in [min, max] */
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

/** @throws UsageError when the option is given as anything but text */
export function optionalString(values: OptionValues, name: string): string | undefined {
  const value = values[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '') throw new UsageError(`--${name}: expected a value`);
  return value;
}
