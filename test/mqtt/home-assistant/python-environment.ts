import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { withFileLock } from '../../../src/system/lock/file-lock';
import { repositoryRoot } from '../../fixtures';

/** The newest release that every Python 3.13 can run (2025.5 needs 3.13.2), with all its dependencies. */
const requirements = join(repositoryRoot, 'test', 'mqtt', 'home-assistant', 'requirements.txt');

/** Kept between runs: it takes 20 seconds to make. */
const folder = join(homedir(), '.cache', 'smolvlm-test', 'homeassistant-2025.4.4');

/** An interpreter for Home Assistant; tests that need it say so in their title and are skipped without it. */
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

/** The interpreter of an environment with Home Assistant. The environment is made if it does not exist. */
export async function homeAssistantPython(): Promise<string> {
  const marker = join(folder, 'complete');
  const python = join(folder, 'bin', 'python');
  if (python313 === undefined) throw new Error('Python 3.13 is not installed');
  await mkdir(join(folder, '..'), { recursive: true });
  await withFileLock(`${folder}.lock`, async () => {
    if (existsSync(marker)) return;
    await rm(folder, { recursive: true, force: true });
    execFileSync(python313 ?? '', ['-m', 'venv', folder]);
    const pip = [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--no-deps',
      '--no-compile',
    ];
    // Some packages would compile C code for speed, which they do not need.
    const env = { ...process.env, SKIP_CYTHON: '1' };
    execFileSync(python, [...pip, '-r', requirements], { env, stdio: ['ignore', 'ignore', 'inherit'] });
    await writeFile(marker, '');
  });
  return python;
}
