import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { disableTelemetry } from '../src/system/no-telemetry';

// Tests, and the processes they start, use neither the cache nor the engine of the person who runs them, nor the lock
// of this machine's NPU. Processes of one run share a cache, so that each bundle is prepared once.
const folder = mkdtempSync(join(tmpdir(), 'smolvlm-own-'));
process.env.SMOLVLM_CACHE = process.env.SMOLVLM_TEST_CACHE ?? join(folder, 'cache');
process.env.SMOLVLM_RUNTIME_DIR = join(folder, 'run');
process.env.SMOLVLM_NPU_LOCK = join(folder, 'npu', 'lock');
// Node-RED writes its log in the language of the person who runs them.
for (const name of ['LC_ALL', 'LC_MESSAGES', 'LANGUAGE']) delete process.env[name];
process.env.LANG = 'en_US.UTF-8';
// No test announces an engine on the network of this machine.
process.env.SMOLVLM_ANNOUNCE = '0';

// Some tests load onnxruntime by themselves.
disableTelemetry();

export const mochaHooks = {
  afterAll(): void {
    rmSync(folder, { recursive: true, force: true });
  },
};
