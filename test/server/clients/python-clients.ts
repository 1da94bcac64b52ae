import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { withFileLock } from '../../../src/system/lock/file-lock';
import { repositoryRoot } from '../../fixtures';

export const clientsFolder = join(repositoryRoot, 'test', 'server', 'clients');

const requirements = join(clientsFolder, 'requirements.txt');

/** Whether an environment for the clients can be made; tests that need it are skipped without it. */
export const hasPython = (() => {
  try {
    const script = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))';
    execFileSync('python3', ['-c', script], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** The folder of programs of an environment with the clients, which is made if it does not exist. */
export async function pythonClients(): Promise<string> {
  const digest = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const folder = join(homedir(), '.cache', 'smolvlm-test', `openai-clients-${digest}`);
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
