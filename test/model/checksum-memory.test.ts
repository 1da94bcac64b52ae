import assert from 'node:assert/strict';
import { readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { rememberedSha256 } from '../../src/model/checksum-memory';
import { fileSha256 } from '../../src/system/files/file-checksum';
import { useTempFolder } from '../temp-folder';

describe('rememberedSha256', () => {
  const temp = useTempFolder();
  const sum = (): Promise<string> => rememberedSha256(temp('file'), temp('memory'));
  const setAge = async (seconds: number): Promise<void> => {
    const time = Math.floor(Date.now() / 1000) - seconds;
    await utimes(temp('file'), time, time);
  };

  it('hashes a file once while it stays the same, and again when its modification time changes', async () => {
    await writeFile(temp('file'), 'one');
    await setAge(60);
    const first = await sum();
    assert.equal(first, await fileSha256(temp('file')));
    const { mtime } = await stat(temp('file'));
    await writeFile(temp('file'), 'two');
    await utimes(temp('file'), mtime, mtime);
    assert.equal(await sum(), first);
    await setAge(30);
    assert.equal(await sum(), await fileSha256(temp('file')));
  });

  it('does not remember a file that has just been changed', async () => {
    await writeFile(temp('file'), 'one');
    await sum();
    assert.deepEqual(await readdir(temp()), ['file']);
  });

  it('hashes again when its note is damaged, and works without a writable folder', async () => {
    await writeFile(temp('file'), 'one');
    await setAge(60);
    const first = await sum();
    const [note = ''] = await readdir(temp('memory'));
    await writeFile(temp('memory', note), '{"path":');
    assert.equal(await sum(), first);
    assert.equal(await rememberedSha256(temp('file'), temp('file', 'below-a-file')), first);
  });
});
