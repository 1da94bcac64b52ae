import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { terms } from './worst-product';

const emulator = 'qemu-x86_64';

describe('linearLayer in int8 on a CPU with AVX2 and without VNNI', function () {
  this.timeout(300_000);

  before(function () {
    if (process.arch === 'x64' && !spawnSync(emulator, ['--version']).error) return;
    console.log(`      needs ${emulator} (Debian: qemu-user) on x86-64`);
    this.skip();
  });

  it('does not saturate with the options of this package, where the runtime’s own do', () => {
    const args = ['-cpu', 'Haswell', process.execPath, join(__dirname, 'worst-product.js')];
    const printed = execFileSync(emulator, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const [kept = 0, saturated = 0, blocks = 0] = JSON.parse(printed) as number[];
    assert.ok(Math.abs(kept - terms) < 1e-3 * terms, `${kept} in place of ${terms}`);
    assert.ok(Math.abs(blocks - terms) < 1e-3 * terms, `${blocks} in place of ${terms}, in blocks`);
    assert.ok(saturated < 0.9 * terms, `${saturated} although nothing prevents it`);
  });
});
