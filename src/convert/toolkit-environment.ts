import { spawn } from 'node:child_process';
import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SmolvlmError } from '../errors';
import { checkDiskSpace } from './disk-space';
import { toolkitVersion } from './toolkit-worker';

/** From dist/src/convert. */
const requirements = join(__dirname, '..', '..', '..', 'python', 'requirements.txt');

/** Measured: 0.65 GB, and pip's unpacking beside it. */
const environmentBytes = 1e9;

/**
 * Makes a virtual environment with rknn-toolkit2 in `dir`, or finds the one made before. The marker file is
 * written last: what an interruption left is made anew.
 * @param python an interpreter of 3.8 to 3.12 @returns the environment's interpreter
 * @throws SmolvlmError `toolkit-set-up`, `bundle-disk-space`
 */
export async function prepareToolkitEnvironment(dir: string, python: string): Promise<string> {
  const interpreter = join(dir, 'bin', 'python');
  const marker = join(dir, `rknn-toolkit2-${toolkitVersion}`);
  const made = await access(marker).then(
    () => true,
    () => false,
  );
  if (made) return interpreter;
  await checkDiskSpace(dir, environmentBytes);
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  await run(python, ['-m', 'venv', dir]);
  await run(interpreter, ['-m', 'pip', 'install', '--quiet', '--no-deps', '-r', requirements]);
  await writeFile(marker, '');
  return interpreter;
}

/** Runs a set-up step to its end. */
async function run(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let told = '';
  child.stderr.on('data', (data: Buffer) => {
    told = `${told}${data}`.slice(-2000);
  });
  const status = await new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  if (status === 0) return;
  throw new SmolvlmError(
    'toolkit-set-up',
    `${command} ${args.join(' ')} ended with ${status}: ${told.trim().split('\n').at(-1) ?? ''}`,
    { hint: 'rknn-toolkit2 needs Python 3.8 to 3.12 on x86-64 with its venv module, and a package index.' },
  );
}
