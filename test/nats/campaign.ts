import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../fixtures';

/** @returns what one campaign of `npm run test:hubs` printed */
export async function campaign(name: string, ...args: string[]): Promise<Record<string, unknown>> {
  const script = join(repositoryRoot, 'scripts', 'hubs', 'hubs.mjs');
  // A campaign with faults prints them and ends with 1.
  const { stdout } = await promisify(execFile)(process.execPath, [script, '--only', name, ...args]).catch(
    (error: Error & { readonly stdout?: string; readonly stderr?: string }) => {
      if (error.stdout) return { stdout: error.stdout };
      throw new Error(`${error.message}: ${error.stderr}`, { cause: error });
    },
  );
  return JSON.parse(stdout.trim());
}
