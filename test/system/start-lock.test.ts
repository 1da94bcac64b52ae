import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StartLock } from '../../src/system/start-lock';

describe('start lock', () => {
  let directory: string;
  let path: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'smolvlm-test-'));
    path = join(directory, 'engine.lock');
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('is held by one at a time and leaves nothing behind', () => {
    const lock = StartLock.tryAcquire(path);
    assert.ok(lock);
    assert.equal(StartLock.tryAcquire(path), undefined);
    lock.release();
    assert.deepEqual(readdirSync(directory), []);
    StartLock.tryAcquire(path)?.release();
    assert.deepEqual(readdirSync(directory), []);
  });

  it('is taken over from a dead process, a reused process id, and a broken file', () => {
    for (const content of [
      '{"pid":4194304999,"born":"1"}',
      JSON.stringify({ pid: process.pid, born: 'another time' }),
      '{"pi',
      '',
      'null',
    ]) {
      writeFileSync(path, content);
      const lock = StartLock.tryAcquire(path);
      assert.ok(lock, content);
      lock.release();
      assert.deepEqual(readdirSync(directory), []);
    }
  });

  it('is not taken from whoever took it over', () => {
    const lock = StartLock.tryAcquire(path);
    writeFileSync(path, '{"pid":1,"born":"x"}');
    lock?.release();
    assert.deepEqual(readdirSync(directory), ['engine.lock']);
  });
});
