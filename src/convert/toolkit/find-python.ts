import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { SmolvlmError } from '../../errors';
import { defined } from '../../system/defined';
import { pythonEnvironment } from './python-environment';

/** Tried in this order: the newest the toolkit has wheels for comes first. */
const commonNames = ['python3.12', 'python3.11', 'python3.10', 'python3.9', 'python3.8', 'python3', 'python'];

/** Minor versions of Python 3 that rknn-toolkit2 (2.3.2 and 2.5.0) has wheels for and this converter supports. */
const minors = { first: 8, last: 12 } as const;

export interface PythonInfo {
  /** The command, e.g. `python3.11` or a path. */
  readonly command: string;
  /** e.g. `3.11.7` */
  readonly version: string;
  /** Of rknn-toolkit2, when it is installed there. */
  readonly toolkit?: string;
}

/** Prints an interpreter's properties; standard library only, Python 3.8 or newer. */
const question = `
import importlib.util, json, platform, sys
from importlib import metadata
def version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
print(json.dumps({
    "version": platform.python_version(),
    "machine": platform.machine(),
    "system": platform.system(),
    "venv": all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")),
    "toolkit": version("rknn-toolkit2"),
}))`;

interface Answer {
  readonly version: string;
  readonly machine: string;
  readonly system: string;
  readonly venv: boolean;
  readonly toolkit: string | null;
}

/**
 * Finds an interpreter that the toolkit runs on.
 * @param given the only one to use; default: the usual names on PATH
 * @throws SmolvlmError `convert-machine` where conversion is impossible, `convert-python` naming what was tried
 */
export async function findPython(
  given?: string,
  names: readonly string[] = commonNames,
): Promise<PythonInfo> {
  checkMachine(process.platform, process.arch);
  const tried: string[] = [];
  for (const command of given ? [given] : names) {
    const answer = await describePython(command);
    if (typeof answer === 'string') {
      tried.push(`${command}: ${answer}`);
      continue;
    }
    const fault = unfit(answer);
    if (!fault)
      return { command, version: answer.version, ...defined({ toolkit: answer.toolkit || undefined }) };
    tried.push(`${command}: ${fault}`);
  }
  throw new SmolvlmError(
    'convert-python',
    `expected Python 3.${minors.first} to 3.${minors.last} for rknn-toolkit2, found none (${tried.join('; ')})`,
    {
      hint: 'Install one with its venv module (Debian: python3 python3-venv), or set it: --python or SMOLVLM_CONVERT_PYTHON.',
    },
  );
}

/** @throws SmolvlmError `convert-machine` unless this is Linux on x86-64, where the toolkit's simulator runs */
export function checkMachine(system: string, arch: string): void {
  if (system === 'linux' && arch === 'x64') return;
  throw new SmolvlmError(
    'convert-machine',
    `rknn-toolkit2 converts on Linux on x86-64; this machine is ${system} on ${arch}`,
    { hint: 'Convert on a PC and copy the bundle here: smolvlm pack there, smolvlm install here.' },
  );
}

async function describePython(command: string): Promise<Answer | string> {
  try {
    const { stdout } = await promisify(execFile)(command, ['-c', question], {
      timeout: 30_000,
      env: pythonEnvironment(),
    });
    return JSON.parse(stdout) as Answer;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'not found';
    const lastLine = (error as { stderr?: string }).stderr?.trim().split('\n').at(-1);
    return lastLine || (error instanceof Error ? error.message : String(error));
  }
}

function unfit({ version, machine, system, venv, toolkit }: Answer): string | undefined {
  const [major, minor = 0] = version.split('.').map(Number);
  if (major !== 3 || minor < minors.first || minor > minors.last) return `is Python ${version}`;
  if (machine !== 'x86_64' || system !== 'Linux') return `is built for ${system} on ${machine}`;
  if (!venv && !toolkit) return 'lacks the venv or ensurepip module';
  return undefined;
}
