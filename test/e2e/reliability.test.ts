import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../fixtures';

describe('an engine that is killed in the middle of captions', function () {
  this.timeout(180_000);

  it('costs no message: each ends once (short form of npm run test:reliability)', async () => {
    const script = join(repositoryRoot, 'scripts', 'reliability', 'reliability.mjs');
    const { stdout } = await promisify(execFile)(process.execPath, [
      script,
      '--only',
      'kill',
      '--kills',
      '3',
    ]);
    const { kills, caption, faults } = JSON.parse(stdout.trim());
    assert.deepEqual(faults, []);
    assert.ok(kills >= 3 && caption > 0, stdout);
  });
});
