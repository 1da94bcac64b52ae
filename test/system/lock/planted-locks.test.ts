import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { mkdir, readdir, readFile, readlink, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { CommandIo } from '../../../src/cli/command/command';
import { command as convert } from '../../../src/cli/convert';
import { joinLocalEngine } from '../../../src/client/local-engine';
import { preparedBundle } from '../../../src/convert/bundle/prepared-bundle';
import { installBundle } from '../../../src/convert/deliver/install-bundle';
import { prepareToolkitEnvironment } from '../../../src/convert/toolkit/toolkit-environment';
import { pullCheckpoint } from '../../../src/model/hub/hub-pull';
import { FileLock, withFileLock } from '../../../src/system/lock/file-lock';
import { readSettings } from '../../../src/system/settings';
import { demoModel } from '../../fixtures';
import { demoModelFiles, LoopbackHub } from '../../model/hub/loopback-hub';
import { useTempFolder } from '../../temp-folder';

const quietIo: CommandIo = {
  ...{ json: false, result() {}, log() {}, progress() {} },
  signal: new AbortController().signal,
};

describe('file locks and what another user plants in their places', () => {
  const temp = useTempFolder();
  const target = (): string => temp('target');
  const refused = { code: 'file-lock', message: /expected a small file at .*, found a link/ };

  /** Plants a link; what it leads to must be neither read, changed nor made. */
  async function refusesLink(place: string, attempt: () => Promise<unknown>): Promise<void> {
    await mkdir(dirname(place), { recursive: true });
    await rm(place, { force: true });
    await symlink(target(), place);
    await assert.rejects(attempt(), refused);
    assert.ok(!existsSync(target()), 'a dangling link is not filled');
    await writeFile(target(), '{"pid":1}', { mode: 0o600 });
    await assert.rejects(attempt(), refused);
    assert.equal(await readFile(target(), 'utf8'), '{"pid":1}');
    assert.equal(statSync(target()).mode & 0o777, 0o600);
    assert.equal(await readlink(place), target(), 'the link stays for its owner');
    const left = (await readdir(dirname(place))).filter((name) => /\.[0-9a-f-]{36}$/.test(name));
    assert.deepEqual(left, [], 'no draft stays');
  }

  const lock = (): string => temp('folder', 'some.lock');
  const take = (): Promise<unknown> => withFileLock(lock(), async () => assert.fail('the lock was taken'));

  it('refuse a link at the lock’s place', () => refusesLink(lock(), take));

  it('refuse a link at a later place of the lock', () => refusesLink(`${lock()}.2`, take));

  it('refuse a link at the place of a takeover', async () => {
    await mkdir(temp('folder'));
    await writeFile(lock(), '');
    await utimes(lock(), 0, 0);
    await refusesLink(`${lock()}.takeover`, take);
  });

  it('wait for nothing and open nothing if a pipe or a folder is at the lock’s place', async () => {
    await mkdir(lock(), { recursive: true });
    await assert.rejects(take(), { code: 'file-lock' });
    await rm(lock(), { recursive: true });
    execFileSync('mkfifo', [lock()]);
    await assert.rejects(take(), { code: 'file-lock' });
  });

  it('make their draft exclusively, under a name that cannot be predicted', async () => {
    const names = new Set<string>();
    for (let count = 0; count < 3; count++) {
      const held = await FileLock.tryAcquire(lock().replace('folder/', ''));
      assert.ok(held instanceof FileLock);
      names.add(held.holder.token);
      await held.release();
    }
    assert.equal(names.size, 3);
    for (const token of names) assert.match(token, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });

  /** Every lock file of this package: where it is, and what takes it. The NPU's has tests of its own. */
  const lockFiles: Readonly<Record<string, readonly [place: () => string, attempt: () => Promise<unknown>]>> =
    {
      'engine.lock, of an engine that starts': [
        () => temp('runtime', 'engine.lock'),
        () => joinLocalEngine({ directory: temp('runtime'), command: ['/bin/false'] }),
      ],
      'pull.lock, of a download': [
        () => temp('checkpoints', 'ORG', 'NAME', 'pull.lock'),
        async () => {
          const hub = new LoopbackHub(demoModelFiles());
          await hub.start();
          const settings = { endpoint: hub.endpoint, stallTimeoutMs: 5000, attempts: 1, backoffMs: 1 };
          const reference = { id: 'ORG/NAME', revision: 'main' };
          await pullCheckpoint(reference, settings, { checkpoints: temp('checkpoints') }).finally(() =>
            hub.stop(),
          );
        },
      ],
      'BUNDLE.lock, of a bundle that is installed': [
        () => temp('bundles', 'model.lock'),
        () => installBundle(temp('no-archive.tar'), temp('bundles', 'model')),
      ],
      'OUT.lock, of a conversion': [
        () => temp('out.lock'),
        () =>
          convert.run({ model: demoModel, target: 'cpu', out: temp('out') }, [], quietIo, readSettings({})),
      ],
      'ENVIRONMENT.lock, of the toolkit that is set up': [
        () => temp('env.lock'),
        async () => {
          const answer = { version: '3.11.2', machine: 'x86_64', system: 'Linux', venv: true, toolkit: null };
          await writeFile(temp('python'), `#!/bin/sh\necho '${JSON.stringify(answer)}'\n`, { mode: 0o755 });
          await prepareToolkitEnvironment({ python: temp('python'), dir: temp('env') });
        },
      ],
    };
  for (const [name, [place, attempt]] of Object.entries(lockFiles)) {
    it(`refuse a link in the place of ${name}`, () => refusesLink(place(), attempt));
  }

  it('refuse a link in the place of CACHE/NAME.lock, of a bundle that is prepared', async () => {
    const prepare = (): Promise<unknown> =>
      preparedBundle(demoModel, { visionPrecision: 'float32' }, { bundlesDir: temp('cache') });
    await prepare();
    const [name = ''] = await readdir(temp('cache'));
    await rm(temp('cache', name), { recursive: true });
    await refusesLink(temp('cache', `${name}.lock`), prepare);
  });
});
