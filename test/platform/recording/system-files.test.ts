import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { SystemFiles } from '../../../src/platform/recording/system-files';
import { useTempFolder } from '../../temp-folder';
import { recordedTree } from './recorded-tree';

describe('system files', () => {
  const temp = useTempFolder();

  it('are read from a folder of plain files, without blanks and NULs at their ends', () => {
    mkdirSync(temp('proc', 'device-tree'), { recursive: true });
    writeFileSync(temp('proc', 'device-tree', 'model'), 'Radxa ROCK 5B\0');
    writeFileSync(temp('proc', 'device-tree', 'compatible'), 'radxa,rock-5b\0rockchip,rk3588\0');
    const files = new SystemFiles(temp());
    assert.equal(files.text('/proc/device-tree/model'), 'Radxa ROCK 5B');
    assert.equal(files.text('/proc/device-tree/compatible'), 'radxa,rock-5b\0rockchip,rk3588');
    assert.deepEqual(files.names('/proc/device-tree'), ['compatible', 'model']);
    assert.equal(files.text('/proc/absent'), undefined);
    assert.deepEqual(files.names('/absent'), []);
  });

  it('are also read from a recording beside the plain files', () => {
    mkdirSync(temp('etc'));
    writeFileSync(temp('etc', 'group'), 'root:x:0:\nvideo:x:44:\n');
    const files = recordedTree(temp(), {
      files: { '/etc/hostname': 'hub\n', '/lib/a.so': '\x7fELF\xb7' },
      devices: { '/dev/rknpu': { mode: '0660', gid: 44, refused: 'EACCES' } },
      denied: ['/proc/1/fd'],
    });
    assert.deepEqual(files.names('/etc'), ['group', 'hostname']);
    assert.deepEqual(files.names('/'), ['dev', 'etc', 'lib', 'proc', 'recording.json']);
    assert.equal(files.text('/etc/hostname'), 'hub');
    assert.equal(files.match('/lib/a.so', /ELF(.)/)?.[1]?.charCodeAt(0), 0xb7);
    assert.deepEqual(files.device('/dev/rknpu'), {
      path: '/dev/rknpu',
      mode: '0660',
      gid: 44,
      group: 'video',
      refused: 'EACCES',
    });
    assert.equal(files.device('/dev/dri/renderD128'), undefined);
    assert.deepEqual([files.denied('/proc/1/fd'), files.denied('/etc/group')], [true, false]);
    assert.deepEqual(
      [files.has('/proc/1/fd'), files.has('/lib'), files.has('/lib/b.so')],
      [true, true, false],
    );
  });

  it('are found through recorded and real links, never outside of the tree', () => {
    mkdirSync(temp('usr', 'lib'), { recursive: true });
    writeFileSync(temp('usr', 'lib', 'librknnrt.so.2'), 'version 2');
    symlinkSync('librknnrt.so.2', temp('usr', 'lib', 'librknnrt.so'));
    symlinkSync('/usr/lib', temp('lib'));
    symlinkSync('../../../../../../../../etc', temp('outside'));
    const files = recordedTree(temp(), { links: { '/opt/rknn': '../lib/librknnrt.so', '/loop': '/loop' } });
    assert.equal(files.text('/opt/rknn'), 'version 2');
    assert.equal(files.realPath('/lib/librknnrt.so'), '/usr/lib/librknnrt.so.2');
    assert.equal(files.link('/lib/librknnrt.so'), 'librknnrt.so.2');
    assert.equal(files.has('/outside/passwd'), false);
    assert.equal(files.has('/loop'), false);
  });

  it('of the live machine are read completely, the kernel’s log up to its last record', () => {
    const files = new SystemFiles();
    assert.ok(files.live);
    // Undefined where the log may not be read; the test is that the call returns.
    const log = files.text('/dev/kmsg');
    assert.ok(log === undefined || !log.endsWith('\0'));
    assert.equal(files.device('/dev/null')?.refused, undefined);
    assert.match(files.device('/dev/null')?.mode ?? '', /^0\d{3}$/);
    assert.equal(files.device('/etc'), undefined);
  });
});
