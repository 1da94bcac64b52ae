import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createFile, readSmallFile, removeFile, replaceFile } from '../../../src/system/files/shared-files';
import { useTempFolder } from '../../temp-folder';

describe('files in shared folders', () => {
  const temp = useTempFolder();

  it('are made with the requested permissions, regardless of the umask', async () => {
    const before = process.umask(0o077);
    try {
      await (await createFile(temp('file'), 'text', 0o644)).close();
    } finally {
      process.umask(before);
    }
    assert.equal(statSync(temp('file')).mode & 0o777, 0o644);
    assert.equal(readFileSync(temp('file'), 'utf8'), 'text');
  });

  it('are not made where something is already, nor through a link', async () => {
    writeFileSync(temp('there'), 'before');
    await assert.rejects(createFile(temp('there'), 'text', 0o644), { code: 'EEXIST' });
    symlinkSync(temp('target'), temp('link'));
    await assert.rejects(createFile(temp('link'), 'text', 0o644), { code: 'EEXIST' });
    assert.deepEqual(readdirSync(temp()).sort(), ['link', 'there']);
    assert.equal(readFileSync(temp('there'), 'utf8'), 'before');
  });

  it('replace a link of their name and leave what it leads to', async () => {
    writeFileSync(temp('target'), 'untouched');
    symlinkSync(temp('target'), temp('log'));
    await replaceFile(temp('log'), 'new', 0o644, 'token');
    assert.ok(lstatSync(temp('log')).isFile());
    assert.deepEqual(
      ['log', 'target'].map((name) => readFileSync(temp(name), 'utf8')),
      ['new', 'untouched'],
    );
  });

  it('leave no draft when they cannot be replaced', async () => {
    mkdirSync(temp('log'));
    writeFileSync(temp('log', 'full'), '');
    await assert.rejects(replaceFile(temp('log'), 'new', 0o644, 'token'));
    assert.deepEqual(readdirSync(temp()), ['log']);
  });

  it('are read when they are small files, and nothing else is', async () => {
    writeFileSync(temp('file'), 'text');
    assert.equal((await readSmallFile(temp('file')))?.text, 'text');
    assert.equal(await readSmallFile(temp('none')), undefined);
    symlinkSync(temp('file'), temp('link'));
    execFileSync('mkfifo', [temp('pipe')]);
    writeFileSync(temp('large'), Buffer.alloc(64 * 1024 + 1));
    for (const name of ['link', 'pipe', 'large', '.']) {
      await assert.rejects(
        readSmallFile(temp(name)),
        { code: 'file-lock', message: /expected a small file/ },
        name,
      );
    }
  });

  it('are removed, links without what they lead to, and need not be there', async () => {
    writeFileSync(temp('target'), '');
    symlinkSync(temp('target'), temp('link'));
    await removeFile(temp('link'));
    await removeFile(temp('link'));
    assert.deepEqual(readdirSync(temp()), ['target']);
  });
});
