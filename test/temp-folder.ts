import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'mocha';

/** Gives each test of the suite its own folder and removes it afterwards. @returns path below that folder, within tests */
export function useTempFolder(): (...parts: string[]) => string {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'smolvlm-test-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });
  return (...parts) => {
    if (folder === '') throw new Error('a test’s folder is used before the test');
    return join(folder, ...parts);
  };
}
