import { spawn } from 'node:child_process';
import { access, constants, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { SmolvlmError } from '../../errors';
import { cacheFolder } from '../../model/cache-folder';
import {
  defaultToolkit,
  type ToolkitVersion,
  toolkitVersions,
} from '../../protocol/models/conversion-choices';
import { defined } from '../../system/defined';
import { makeFolder } from '../../system/files/make-folder';
import { packageFile } from '../../system/files/package-file';
import { namingReadOnly } from '../../system/files/read-only-folder';
import { withFileLock } from '../../system/lock/file-lock';
import { shownText } from '../../system/shown-address';
import { checkDiskSpace } from '../bundle/disk-space';
import { checkMachine, findPython, type PythonInfo } from './find-python';
import { readPipConfiguration } from './pip-configuration';
import { pythonEnvironment } from './python-environment';
import { type Toolkit, ToolkitWorker, wrongToolkit } from './toolkit-worker';

const requirements = packageFile('python', 'requirements.txt');

/** Measured: 0.65 GB installed; pip unpacks one package at a time beside it. */
const environmentBytes = 1e9;

/** Which toolkit to use, and where. */
export interface ToolkitChoice {
  /** Default: that of the given interpreter, else `defaultToolkit`. */
  readonly version?: ToolkitVersion;
  /** An interpreter for the environment, or of an environment that has the toolkit; default: searched. */
  readonly python?: string;
  /** Of the environment, made earlier or to be made; default: the cache's folder for the version. */
  readonly dir?: string;
  /** The cache with the environments; default: this process's. */
  readonly cacheDir?: string;
}

export interface SetUpControl extends ToolkitChoice {
  readonly signal?: AbortSignal;
  /** The current step, and how many packages have been fetched. */
  readonly onProgress?: (step: SetUpStep) => void;
}

export interface SetUpStep {
  readonly step: string;
  readonly done: number;
  readonly total: number;
}

/** Where the environment is made by default. */
export function toolkitFolder(version: ToolkitVersion, cache = cacheFolder()): string {
  return join(cache, 'toolkit', `rknn-toolkit2-${version}`);
}

/**
 * The toolkit to convert with: that of the given interpreter if it is installed there, else that of the
 * environment made earlier, else that of an interpreter on the PATH that has it.
 * @throws SmolvlmError `toolkit-missing` when there is none, `toolkit-version` when the given interpreter has
 *   another release; `convert-machine`, `convert-python`
 */
export async function findToolkit(choice: ToolkitChoice = {}): Promise<Toolkit> {
  const { python } = choice;
  checkMachine(process.platform, process.arch);
  if (python === undefined) {
    const made = await madeBefore(choice);
    if (made) return made;
  }
  const base = await findPython(python);
  const version = chosenVersion(choice, python === undefined ? undefined : base);
  if (base.toolkit === version) return { python: base.command, version };
  if (python !== undefined && base.toolkit !== undefined)
    throw wrongToolkit(base.command, version, base.toolkit);
  const made = await madeBefore(choice);
  if (made) return made;
  throw new SmolvlmError('toolkit-missing', `rknn-toolkit2 ${version} is not set up on this machine`, {
    hint: `Run smolvlm convert --setup --toolkit ${version} (0.65 GB), or point --python at an environment that has it.`,
  });
}

/**
 * Makes a virtual environment with rknn-toolkit2, or finds the one made earlier; one process makes it, others
 * wait. The marker file is written last: an interrupted environment is made again.
 * @throws SmolvlmError `toolkit-set-up`, `bundle-disk-space`, `folder-read-only`, `convert-machine`, `convert-python`; the
 *   signal's reason when aborted
 */
export async function prepareToolkitEnvironment(control: SetUpControl = {}): Promise<Toolkit> {
  const { signal, onProgress, python } = control;
  checkMachine(process.platform, process.arch);
  if (python === undefined) {
    const made = await madeBefore(control);
    if (made) return made;
  }
  const base = await findPython(python);
  const version = chosenVersion(control, python === undefined ? undefined : base);
  if (base.toolkit === version) return { python: base.command, version };
  const dir = control.dir ?? toolkitFolder(version, control.cacheDir);
  const toolkit = { python: interpreterOf(dir), version };
  if (await isMade(dir, version)) return toolkit;
  const make = async (): Promise<void> => {
    if (!(await isMade(dir, version))) await makeEnvironment(dir, version, base.command, control);
  };
  const onWait = (pid: number): void =>
    onProgress?.({ step: `waiting for process ${pid}, which is setting it up`, done: 0, total: 1 });
  await namingReadOnly(dir, () => withFileLock(`${dir}.lock`, make, { onWait, ...defined({ signal }) }));
  return toolkit;
}

/** An interpreter given without a version is used with the release it has, if that is a known one. */
function chosenVersion({ version }: ToolkitChoice, named: PythonInfo | undefined): ToolkitVersion {
  return version ?? toolkitVersions.find((known) => known === named?.toolkit) ?? defaultToolkit;
}

async function madeBefore({
  version = defaultToolkit,
  dir,
  cacheDir,
}: ToolkitChoice): Promise<Toolkit | undefined> {
  const folder = dir ?? toolkitFolder(version, cacheDir);
  return (await isMade(folder, version)) ? { python: interpreterOf(folder), version } : undefined;
}

async function makeEnvironment(
  dir: string,
  version: ToolkitVersion,
  base: string,
  control: SetUpControl,
): Promise<void> {
  const { signal, onProgress } = control;
  await checkDiskSpace(dir, environmentBytes, `the environment of rknn-toolkit2 ${version}`, dir);
  await rm(dir, { recursive: true, force: true });
  // pip unpacks here: $TMPDIR may be small, or not allow programs to run.
  const temporary = join(dir, 'tmp');
  await makeFolder(temporary);
  const total = await packageCount();
  let done = 0;
  // Beside the environment, not in the user's home: it lets an interrupted download continue, and is removed at the end.
  const downloads = `${dir}.downloads`;
  const pipCache = process.env.PIP_CACHE_DIR ? [] : ['--cache-dir', downloads];
  onProgress?.({ step: 'making a virtual environment', done, total });
  try {
    await run(base, ['-m', 'venv', dir], { TMPDIR: temporary }, () => undefined, signal);
    const { variables, dropped } = await readPipConfiguration(interpreterOf(dir), signal);
    if (dropped.length > 0)
      onProgress?.({ step: `leaving out of pip's configuration: ${dropped.join(', ')}`, done, total });
    await run(
      interpreterOf(dir),
      [
        '-m',
        'pip',
        'install',
        '--progress-bar',
        'off',
        '--disable-pip-version-check',
        ...pipCache,
        '--no-deps',
        '-r',
        requirements,
        `rknn-toolkit2==${version}`,
      ],
      { TMPDIR: temporary, ...variables },
      (line) => {
        const name = /^Collecting ([A-Za-z0-9._-]+)/.exec(line)?.[1];
        if (name) onProgress?.({ step: `fetching ${name}`, done: done++, total });
        if (line.startsWith('Installing')) onProgress?.({ step: 'unpacking', done, total });
      },
      signal,
    );
    await rm(temporary, { recursive: true, force: true });
    onProgress?.({ step: 'checking that rknn-toolkit2 loads', done: total, total });
    await checkThatItLoads(dir, version);
    signal?.throwIfAborted();
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
  await writeFile(markerOf(dir, version), '');
  await rm(downloads, { recursive: true, force: true });
}

function interpreterOf(dir: string): string {
  return join(dir, 'bin', 'python');
}

function markerOf(dir: string, version: ToolkitVersion): string {
  return join(dir, `rknn-toolkit2-${version}`);
}

/** Also false if the Python it was made with has been removed: the interpreter is a link to it. */
async function isMade(dir: string, version: ToolkitVersion): Promise<boolean> {
  return Promise.all([access(markerOf(dir, version)), access(interpreterOf(dir), constants.X_OK)]).then(
    () => true,
    () => false,
  );
}

/** Packages may be complete but lack a system library. */
async function checkThatItLoads(dir: string, version: ToolkitVersion): Promise<void> {
  try {
    const worker = await ToolkitWorker.start({
      toolkit: { python: interpreterOf(dir), version },
      logFile: join(dir, 'load.log'),
    });
    await worker[Symbol.asyncDispose]();
  } catch (cause) {
    throw new SmolvlmError(
      'toolkit-set-up',
      `the new environment does not work: ${(cause as Error).message}`,
      {
        hint: 'A system library may be missing: install what the message names, and set up again.',
        cause,
      },
    );
  }
}

/** The toolkit and the packages of the requirements file, each counted once whatever the Python version. */
async function packageCount(): Promise<number> {
  const names = (await readFile(requirements, 'utf8')).match(/^[A-Za-z][A-Za-z0-9._-]*/gm) ?? [];
  return 1 + new Set(names).size;
}

/** Runs a set-up step to completion; an abort kills it. */
async function run(
  command: string,
  args: readonly string[],
  variables: NodeJS.ProcessEnv,
  onLine: (line: string) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted();
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: pythonEnvironment(variables),
    killSignal: 'SIGKILL',
    ...defined({ signal }),
  });
  let output = '';
  createInterface({ input: child.stdout }).on('line', onLine);
  child.stderr.setEncoding('utf8').on('data', (data: string) => {
    output = `${output}${data}`.slice(-8000);
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
  const away = unreachableIndex(output);
  if (away !== undefined) {
    throw new SmolvlmError('toolkit-set-up', `pip cannot reach its package index: ${away}`, {
      hint: 'Check the network, a proxy (HTTPS_PROXY) and the index that pip uses (pip config list, PIP_INDEX_URL), and set up again.',
    });
  }
  throw new SmolvlmError(
    'toolkit-set-up',
    `${command} ${args.join(' ')} ended with ${fault?.message ?? status}: ${output.trim().split('\n').at(-1) ?? ''}`,
    { hint: 'rknn-toolkit2 needs Python 3.8 to 3.12 on x86-64 with its venv module, and a package index.' },
  );
}

/** pip's own account of a connection that failed, without the address's secrets; its last line names only a package. */
function unreachableIndex(output: string): string | undefined {
  const line = output
    .split('\n')
    .find((each) =>
      /NewConnectionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError|Max retries exceeded|connection broken/i.test(
        each,
      ),
    );
  if (line === undefined) return undefined;
  const plain = line
    .replace(/^\s*(?:WARNING|ERROR):\s*/, '')
    .replace(/Retrying \(Retry\([^)]*\)\) after /, '')
    .replaceAll(/<[^>]*>: /g, '');
  return shownText(plain.trim()).slice(0, 300);
}
