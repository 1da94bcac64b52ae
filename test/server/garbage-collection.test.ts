import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const modulePath = join(__dirname, '..', '..', 'src', 'server', 'garbage-collection.js');

describe('the engine’s garbage collector', () => {
  it('has a setting that this version of V8 accepts', () => {
    const program = `require(${JSON.stringify(modulePath)}).collectLessOften()`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8' });
    // V8 only writes about a flag that it does not have.
    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
  });
});
