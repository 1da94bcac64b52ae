import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { withFileLock } from '../../../src/system/file-lock';

/** The newest that every Python 3.13 can run; 2025.5 asks for 3.13.2. */
const packages = ['homeassistant==2025.4.4', 'paho-mqtt==2.1.0'];

/** Kept between runs: it takes a minute to make. */
const folder = join(homedir(), '.cache', 'smolvlm-test', 'homeassistant-2025.4.4');

/** An interpreter that Home Assistant runs on; tests that need it name it and are skipped otherwise. */
export const python313 = findPython313();

function findPython313(): string | undefined {
  const versions = join(homedir(), '.pyenv', 'versions');
  const installed = existsSync(versions)
    ? readdirSync(versions).filter((name) => name.startsWith('3.13.'))
    : [];
  const candidates = [
    'python3.13',
    ...installed.map((name) => join(versions, name, 'bin', 'python3.13')),
    'python3',
  ];
  return candidates.find((command) => {
    try {
      const script = 'import sys, venv, ensurepip; print(sys.version_info[:2] == (3, 13))';
      return (
        String(execFileSync(command, ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] })).trim() ===
        'True'
      );
    } catch {
      return false;
    }
  });
}

/** The interpreter of an environment with Home Assistant, which is made when it is not there yet. */
export async function homeAssistantPython(): Promise<string> {
  const marker = join(folder, 'complete');
  const python = join(folder, 'bin', 'python');
  if (python313 === undefined) throw new Error('Python 3.13 is not installed');
  await mkdir(join(folder, '..'), { recursive: true });
  await withFileLock(`${folder}.lock`, async () => {
    if (existsSync(marker)) return;
    await rm(folder, { recursive: true, force: true });
    execFileSync(python313 ?? '', ['-m', 'venv', folder]);
    const install = (...more: string[]): void => {
      const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...more];
      // Some of its packages would compile themselves for speed; they work as they are.
      const env = { ...process.env, SKIP_CYTHON: '1' };
      execFileSync(python, pip, { env, stdio: ['ignore', 'ignore', 'inherit'] });
    };
    // It says itself which version of everything it was released with; without these pins pip tries newer ones
    // that this Python cannot run, one after the other.
    install('--no-deps', ...packages);
    const site = join(folder, 'lib', 'python3.13', 'site-packages');
    install('--constraint', join(site, 'homeassistant', 'package_constraints.txt'), ...packages);
    await writeFile(marker, '');
  });
  return python;
}
