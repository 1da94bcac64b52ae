import { spawn } from 'node:child_process';
import { access, constants, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { SmolvlmError } from '../errors';
import { cacheFolder } from '../model/cache-folder';
import { withFileLock } from '../model/file-lock';
import { checkDiskSpace } from './disk-space';
import { askedPython, checkMachine, findPython } from './find-python';
import { ToolkitWorker, toolkitVersion, wrongToolkit } from './toolkit-worker';

/** From dist/src/convert. */
const requirements = join(__dirname, '..', '..', '..', 'python', 'requirements.txt');

/** Measured: 0.65 GB installed; pip unpacks one package at a time beside it. */
const environmentBytes = 1e9;

export interface SetUpControl {
  /** An interpreter for the environment, or of an environment that has the toolkit; default: searched. */
  readonly python?: string;
  readonly signal?: AbortSignal;
  /** What is being done, and how many of the packages are here. */
  readonly onProgress?: (step: SetUpStep) => void;
}

export interface SetUpStep {
  readonly step: string;
  readonly done: number;
  readonly total: number;
}

/** Where the environment is made unless another place is asked for. */
export function toolkitFolder(cache = cacheFolder()): string {
  return join(cache, 'toolkit', `rknn-toolkit2-${toolkitVersion}`);
}

/**
 * The interpreter to convert with: the one asked for when the toolkit is installed there, else the one of the
 * environment made before, else one on the PATH that has it.
 * @throws SmolvlmError `toolkit-missing` when there is none, `toolkit-version` for one asked for that has another
 *   release; `convert-machine`, `convert-python`
 */
export async function findToolkit(python = askedPython(), dir = toolkitFolder()): Promise<string> {
  checkMachine(process.platform, process.arch);
  const isReady = await isMade(dir);
  if (python === undefined && isReady) return interpreterOf(dir);
  const { command, toolkit } = await findPython(python);
  if (toolkit === toolkitVersion) return command;
  if (python !== undefined && toolkit !== undefined) throw wrongToolkit(command, toolkit);
  if (isReady) return interpreterOf(dir);
  throw new SmolvlmError('toolkit-missing', 'rknn-toolkit2 is not set up on this machine', {
    hint: 'Run smolvlm convert --setup (0.65 GB), or point --python at an environment that has it.',
  });
}

/**
 * Makes a virtual environment with rknn-toolkit2, or finds the one made before; one process makes it, others
 * wait. The marker file is written last: what an interruption left is made anew.
 * @returns the environment's interpreter
 * @throws SmolvlmError `toolkit-set-up`, `bundle-disk-space`, `convert-machine`, `convert-python`; the signal's
 *   reason when aborted
 */
export async function prepareToolkitEnvironment(
  dir = toolkitFolder(),
  control: SetUpControl = {},
): Promise<string> {
  const { signal, onProgress, python = askedPython() } = control;
  checkMachine(process.platform, process.arch);
  if (python === undefined && (await isMade(dir))) return interpreterOf(dir);
  const base = await findPython(python);
  if (base.toolkit === toolkitVersion) return base.command;
  if (await isMade(dir)) return interpreterOf(dir);
  const make = async (): Promise<void> => {
    if (!(await isMade(dir))) await makeEnvironment(dir, base.command, control);
  };
  const onWait = (pid: number): void =>
    onProgress?.({ step: `waiting for process ${pid}, which is setting it up`, done: 0, total: 1 });
  await withFileLock(`${dir}.lock`, make, { onWait, ...(signal && { signal }) });
  return interpreterOf(dir);
}

async function makeEnvironment(dir: string, base: string, control: SetUpControl): Promise<void> {
  const { signal, onProgress } = control;
  await checkDiskSpace(dir, environmentBytes, 'the environment of rknn-toolkit2', dir);
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  const total = await packageCount();
  let done = 0;
  onProgress?.({ step: 'making a virtual environment', done, total });
  try {
    await run(base, ['-m', 'venv', dir], () => undefined, signal);
    await run(
      interpreterOf(dir),
      [
        '-m',
        'pip',
        'install',
        '--progress-bar',
        'off',
        '--disable-pip-version-check',
        '--no-deps',
        '-r',
        requirements,
      ],
      (line) => {
        const name = /^Collecting ([A-Za-z0-9._-]+)/.exec(line)?.[1];
        if (name) onProgress?.({ step: `fetching ${name}`, done: done++, total });
        if (line.startsWith('Installing')) onProgress?.({ step: 'unpacking', done, total });
      },
      signal,
    );
    onProgress?.({ step: 'checking that rknn-toolkit2 loads', done: total, total });
    await checkThatItLoads(dir);
    signal?.throwIfAborted();
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
  await writeFile(markerOf(dir), '');
}

function interpreterOf(dir: string): string {
  return join(dir, 'bin', 'python');
}

function markerOf(dir: string): string {
  return join(dir, `rknn-toolkit2-${toolkitVersion}`);
}

/** Also false where the Python it was made with has gone: the interpreter is a link to it. */
async function isMade(dir: string): Promise<boolean> {
  return Promise.all([access(markerOf(dir)), access(interpreterOf(dir), constants.X_OK)]).then(
    () => true,
    () => false,
  );
}

/** Packages may be whole and lack a library of the system. */
async function checkThatItLoads(dir: string): Promise<void> {
  try {
    const worker = await ToolkitWorker.start({
      python: interpreterOf(dir),
      logFile: join(dir, 'load.log'),
    });
    await worker[Symbol.asyncDispose]();
  } catch (cause) {
    throw new SmolvlmError(
      'toolkit-set-up',
      `the new environment does not work: ${(cause as Error).message}`,
      {
        hint: 'A library of the system may be missing: install what the message names, and set up again.',
        cause,
      },
    );
  }
}

/** Packages of the requirements file, each counted once whatever the Python version. */
async function packageCount(): Promise<number> {
  const names = (await readFile(requirements, 'utf8')).match(/^[A-Za-z][A-Za-z0-9._-]*/gm) ?? [];
  return new Set(names).size;
}

/** Runs a set-up step to its end; an abort kills it. */
async function run(
  command: string,
  args: readonly string[],
  onLine: (line: string) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted();
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    killSignal: 'SIGKILL',
    ...(signal && { signal }),
  });
  let told = '';
  createInterface({ input: child.stdout }).on('line', onLine);
  child.stderr.on('data', (data: Buffer) => {
    told = `${told}${data}`.slice(-2000);
  });
  let fault: Error | undefined;
  child.once('error', (error) => {
    fault = error;
  });
  const status = await new Promise<number | string>((resolve) => {
    child.once('close', (code, killed) => resolve(code ?? killed ?? 'unknown'));
  });
  signal?.throwIfAborted();
  if (status === 0) return;
  throw new SmolvlmError(
    'toolkit-set-up',
    `${command} ${args.join(' ')} ended with ${fault?.message ?? status}: ${told.trim().split('\n').at(-1) ?? ''}`,
    { hint: 'rknn-toolkit2 needs Python 3.8 to 3.12 on x86-64 with its venv module, and a package index.' },
  );
}
