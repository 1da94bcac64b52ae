import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { checkCpuProducts } from '../../src/platform/cpu-products';
import { useTempFolder } from '../temp-folder';

describe('the check of products in another process', function () {
  this.timeout(30_000);
  const temp = useTempFolder();

  it('finds them right on this machine', async () => {
    assert.deepEqual(await checkCpuProducts(), { kernels: 'all', float32Kernels: 'all' });
  });

  it('survives a crash of the runtime, and says how it ended', async () => {
    const program = temp('crash.cjs');
    writeFileSync(program, "process.kill(process.pid, 'SIGILL'); setInterval(() => {}, 1000);");
    assert.deepEqual(await checkCpuProducts(program), { crash: 'SIGILL' });
  });
});
