import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../fixtures';

describe('four cameras at a frame a second', function () {
  this.timeout(120_000);

  it('keep the queue bounded and lose no frame (short form of npm run test:soak)', async () => {
    const script = join(repositoryRoot, 'scripts', 'soak.mjs');
    const { stdout } = await promisify(execFile)(process.execPath, [script, '--seconds', '12']);
    const {
      sent,
      received,
      most_waiting: mostWaiting,
      faults,
    } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    assert.deepEqual(faults, []);
    assert.equal(mostWaiting, 1);
    for (const [camera, count] of Object.entries(sent)) {
      const { caption, dropped, error } = received[camera];
      const lost = Object.values(dropped as Record<string, number>).reduce((sum, each) => sum + each, 0);
      assert.equal(caption + lost + error, count, camera);
      assert.ok(caption > 0, camera);
    }
  });
});
