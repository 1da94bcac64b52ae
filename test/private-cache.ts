import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Tests, and the processes they start, keep nothing in the cache of the person who runs them.
const cache = mkdtempSync(join(tmpdir(), 'smolvlm-test-cache-'));
process.env.SMOLVLM_CACHE = cache;

export const mochaHooks = {
  afterAll(): void {
    rmSync(cache, { recursive: true, force: true });
  },
};
