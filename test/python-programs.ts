import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { withFileLock } from '../src/system/lock/file-lock';

/** Whether an environment can be made; tests that need one are skipped without it. */
export const hasPython = (() => {
  try {
    const script = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))';
    execFileSync('python3', ['-c', script], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/**
 * The folder of programs of a Python environment, which is made if it does not exist.
 * @param requirements path of a requirements file
 */
export async function pythonPrograms(name: string, requirements: string): Promise<string> {
  const digest = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const folder = join(homedir(), '.cache', 'smolvlm-test', `${name}-${digest}`);
  const marker = join(folder, 'complete');
  await mkdir(join(folder, '..'), { recursive: true });
  await withFileLock(`${folder}.lock`, async () => {
    if (existsSync(marker)) return;
    await rm(folder, { recursive: true, force: true });
    execFileSync('python3', ['-m', 'venv', folder]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-compile'];
    execFileSync(join(folder, 'bin', 'python'), [...pip, '-r', requirements], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await writeFile(marker, '');
  });
  return join(folder, 'bin');
}
