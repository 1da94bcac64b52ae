#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { errorBody, SmolvlmError } from '../errors';
import { packageVersion } from '../package-version';
import { systemClock } from '../system/clock';
import { disableTelemetry } from '../system/no-telemetry';
import { readSettings } from '../system/settings';
import { shownText } from '../system/shown-address';
import {
  type Command,
  type CommandGroup,
  type CommandIo,
  type CommandTable,
  UsageError,
} from './command/command';

/** Loaded when called, so that a command needs only what it uses. */
const commands: CommandTable<Command | CommandGroup> = {
  caption: () => import('./caption.js'),
  inspect: () => import('./inspect.js'),
  bench: () => import('./bench.js'),
  convert: () => import('./convert.js'),
  validate: () => import('./validate.js'),
  pack: () => import('./pack.js'),
  install: () => import('./install.js'),
  serve: () => import('./serve.js'),
  certificate: () => import('./certificate.js'),
  watch: () => import('./watch.js'),
  hubs: () => import('./hubs.js'),
  pull: () => import('./pull.js'),
  cache: () => import('./cache.js'),
  doctor: () => import('./doctor.js'),
};

/** Runs one command line. @returns the exit status: 0 ok, 1 failed, 2 bad usage */
export async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  const load = name === undefined || !Object.hasOwn(commands, name) ? undefined : commands[name];
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(`${await overview()}\n`);
    return name === undefined ? 2 : 0;
  }
  if (name === '--version') {
    process.stdout.write(`${packageVersion()}\n`);
    return 0;
  }
  try {
    if (!load) {
      throw new UsageError(`unknown command "${name}"`, `Commands: ${Object.keys(commands).join(', ')}.`);
    }
    const { command } = await load();
    return 'run' in command ? await runCommand(name, command, rest) : await runGroup(name, command, rest);
  } catch (error) {
    return failed(name, error);
  }
}

/** Reports how a command failed. @returns the exit status */
function failed(name: string, error: unknown): number {
  report(name, error);
  return error instanceof UsageError ? 2 : 1;
}

/** Says on stderr, and to the process that started this one over IPC, how a command failed. */
function report(name: string, error: unknown): void {
  const body = { ...errorBody(error), message: shownText(errorBody(error).message) };
  const { code, message, hint } = body;
  process.send?.({ error: body });
  process.stderr.write(`smolvlm ${name}: ${message} [${code}]\n${hint === undefined ? '' : `  ${hint}\n`}`);
}

async function runGroup(name: string, group: CommandGroup, args: readonly string[]): Promise<number> {
  const [subcommand, ...rest] = args;
  const known = Object.keys(group.subcommands).join(', ');
  if (subcommand === '--help' || subcommand === '-h') {
    process.stdout.write(`smolvlm ${name} SUBCOMMAND [options]\n${group.summary}\nSubcommands: ${known}\n`);
    return 0;
  }
  const load =
    subcommand === undefined || !Object.hasOwn(group.subcommands, subcommand)
      ? undefined
      : group.subcommands[subcommand];
  if (subcommand === undefined || !load) {
    const received = subcommand === undefined ? 'is missing' : `"${subcommand}" is unknown`;
    throw new UsageError(`the subcommand ${received}`, `Subcommands: ${known}.`);
  }
  return runCommand(`${name} ${subcommand}`, (await load()).command, rest);
}

/** Runs one command; an error in its use that has no hint names the command's help. @param name with the subcommand */
async function runCommand(name: string, command: Command, args: readonly string[]): Promise<number> {
  try {
    return await runParsed(command, args);
  } catch (error) {
    const isUnexplained = error instanceof UsageError && error.hint === undefined;
    return failed(name, isUnexplained ? new UsageError(error.message, `See smolvlm ${name} --help.`) : error);
  }
}

async function runParsed(command: Command, args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(command, args);
  if (values.help === true) {
    process.stdout.write(`smolvlm ${command.usage}\n${command.summary}\n`);
    return 0;
  }
  if (!command.takesArguments) refuseArguments(command, positionals);
  const abort = new AbortController();
  const stop = (): void =>
    abort.abort(new SmolvlmError('command-interrupted', 'the command was interrupted'));
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  if (!command.outlivesCaller) process.once('disconnect', stop);
  const json = values.json === true;
  const io: CommandIo = {
    json,
    result: (document, text) => process.stdout.write(`${json ? JSON.stringify(document) : text}\n`),
    log: (line) => process.stderr.write(`${line}\n`),
    progress: (event) => {
      const left = event.secondsLeft === undefined ? '' : `, about ${Math.ceil(event.secondsLeft)} s left`;
      process.stderr.write(`${event.step} (${event.done}/${event.total}${left})\n`);
      process.send?.({ progress: event });
    },
    signal: abort.signal,
  };
  try {
    return await command.run(values, positionals, io, readSettings());
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
    process.off('disconnect', stop);
  }
}

function parse(command: Command, args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { ...command.options, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    });
  } catch (error) {
    // Node's first sentence says what is wrong; the others explain its own rules.
    throw new UsageError(errorBody(error).message.split('. ', 1)[0] ?? '');
  }
}

/** @throws UsageError, also for the second value of an option that is repeated for each */
function refuseArguments({ options }: Command, [argument]: readonly string[]): void {
  if (argument === undefined) return;
  const repeated = Object.keys(options).filter((name) => options[name]?.multiple);
  throw new UsageError(
    `unexpected argument "${argument}"`,
    repeated.length > 0
      ? `Write ${repeated.map((name) => `--${name}`).join(', ')} once for each value.`
      : undefined,
  );
}

async function overview(): Promise<string> {
  const lines = await Promise.all(
    Object.entries(commands).map(
      async ([name, load]) => `  ${name.padEnd(12)}${(await load()).command.summary}`,
    ),
  );
  return [
    'Usage: smolvlm COMMAND [options]',
    ...lines,
    'smolvlm COMMAND --help lists the options. With --json, results are printed as JSON. smolvlm --version prints the version.',
  ].join('\n');
}

/** As a shell reports a program that SIGPIPE ended. */
const closedPipeStatus = 141;

/** Output that cannot be written ends a command with a sentence, or without one if its reader has ended. */
function watchOutput(name: string): void {
  // A log that cannot be written is not a reason to end.
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // An engine goes on without the pipe to the program that started it.
    if (name === 'serve') return;
    if (error.code === 'EPIPE') process.exit(closedPipeStatus);
    report(
      name,
      new SmolvlmError('command-output', `the output cannot be written: ${error.message}`, {
        hint: 'Check the disk of the file to which the output goes.',
      }),
    );
    process.exit(1);
  });
}

/** After a command has ended, the process gets this long to end by itself. */
export const endMs = 10_000;

/** Runs the process's own command line and leaves its status as the exit code. */
export function runProcess(): void {
  // Before anything can load onnxruntime, whichever command it is.
  disableTelemetry();
  const argv = process.argv.slice(2);
  watchOutput(argv[0] ?? '');
  // Otherwise Node exits with status 0 when a command waits for something that can no longer happen.
  const onDrained = (): void => {
    process.exitCode = 1;
    report(
      argv[0] ?? '',
      new SmolvlmError(
        'command-unfinished',
        'the command ended without a result: nothing is left to wait for',
        {
          hint: 'This is a defect of smolvlm: please report it with the command line.',
        },
      ),
    );
  };
  process.once('beforeExit', onDrained);
  void main(argv).then((status) => {
    process.off('beforeExit', onDrained);
    process.exitCode = status;
    // A native call into a hung NPU keeps its thread, and even process.exit would wait for that.
    const end = (): void => {
      process.stderr.write('smolvlm: a native call has not returned: ending the process\n');
      process.kill(process.pid, 'SIGKILL');
    };
    systemClock.after(endMs, end, { keepsProcess: false });
  });
}

if (require.main === module) runProcess();
