import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../fixtures';

/** @returns what one campaign of `npm run test:hubs` printed */
export async function campaign(name: string, ...args: string[]): Promise<Record<string, unknown>> {
  const script = join(repositoryRoot, 'scripts', 'hubs.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [script, '--only', name, ...args]);
  return JSON.parse(stdout.trim());
}
