import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync } from 'node:fs';
import { makePrivateDirectory, makeSocketDirectory } from '../../../src/system/files/runtime-dir';
import { useTempFolder } from '../../temp-folder';

const refused = { code: 'runtime-dir' };
const mode = (path: string): number => statSync(path).mode & 0o7777;

describe('makePrivateDirectory', () => {
  const temp = useTempFolder();

  it('makes folders that only this user can enter', () => {
    makePrivateDirectory(temp('new', 'run'));
    assert.deepEqual([mode(temp('new')), mode(temp('new', 'run'))], [0o700, 0o700]);
  });

  it('does not change an existing folder', () => {
    mkdirSync(temp('run'));
    chmodSync(temp('run'), 0o755);
    makePrivateDirectory(temp('run'));
    assert.equal(mode(temp('run')), 0o755);
  });

  it('refuses a folder that others can write to, without changing it', () => {
    mkdirSync(temp('run'));
    for (const open of [0o777, 0o1777, 0o702]) {
      chmodSync(temp('run'), open);
      assert.throws(() => makePrivateDirectory(temp('run')), { ...refused, hint: /chmod go-w/ });
      assert.equal(mode(temp('run')), open);
    }
  });

  it('refuses a link and a name that no folder can have', () => {
    mkdirSync(temp('run'));
    symlinkSync(temp('run'), temp('link'));
    assert.throws(() => makePrivateDirectory(temp('link')), refused);
    assert.throws(() => makePrivateDirectory(temp('run', '..', 'run', 'x\0')), refused);
  });

  it('refuses another user’s folder (needs root)', function () {
    if (process.getuid?.() !== 0) this.skip();
    mkdirSync(temp('run'));
    chownSync(temp('run'), 65534, 65534);
    assert.throws(() => makePrivateDirectory(temp('run')), {
      ...refused,
      message: /not a folder of this user/,
    });
  });
});

describe('makeSocketDirectory', () => {
  const temp = useTempFolder();

  it('does not change the permissions of a system folder', () => {
    for (const system of [0o755, 0o1777]) {
      mkdirSync(temp(`run-${system}`));
      chmodSync(temp(`run-${system}`), system);
      makeSocketDirectory(temp(`run-${system}`));
      assert.equal(mode(temp(`run-${system}`)), system);
    }
  });

  it('makes a folder that is missing for this user alone', () => {
    makeSocketDirectory(temp('new'));
    assert.equal(mode(temp('new')), 0o700);
  });

  it('follows a link that this user made, as /var/run is one', () => {
    mkdirSync(temp('run'));
    symlinkSync(temp('run'), temp('link'));
    makeSocketDirectory(temp('link'));
  });

  it('refuses a folder in which another user could replace the socket', () => {
    mkdirSync(temp('run'));
    chmodSync(temp('run'), 0o777);
    assert.throws(() => makeSocketDirectory(temp('run')), { ...refused, hint: /chmod \+t/ });
  });

  it('refuses a shared folder of another user (needs root)', function () {
    if (process.getuid?.() !== 0) this.skip();
    mkdirSync(temp('run'));
    chmodSync(temp('run'), 0o1777);
    chownSync(temp('run'), 65534, 65534);
    assert.throws(() => makeSocketDirectory(temp('run')), { ...refused, message: /another user/ });
  });
});
