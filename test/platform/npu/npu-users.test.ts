import assert from 'node:assert/strict';
import { npuUsers } from '../../../src/platform/npu/npu-users';
import { useTempFolder } from '../../temp-folder';
import { recordedTree } from '../recording/recorded-tree';

const node = '/dev/dri/renderD129';
const namespace = 'pid:[4026531836]';
const holder = {
  host: `hub ${namespace}`,
  pid: 812,
  started: '1542',
  token: 't',
  command: 'node main.js serve',
  since: '2026-03-01T10:00:00.000Z',
};

/** As in proc(5): the start time is the 22nd field. */
function stat(pid: number, started: string): string {
  return `${pid} (node (a b)) S 1 1 1 0 -1 4194560 30 0 0 0 1 0 0 0 20 0 11 0 ${started} 21`;
}

describe('NPU users', () => {
  const temp = useTempFolder();

  function usersWith(files: Record<string, string>, links: Record<string, string> = {}) {
    return npuUsers(recordedTree(temp(), { files, links: { '/proc/self/ns/pid': namespace, ...links } }), [
      node,
    ]);
  }

  it('are the processes that have its node open', () => {
    const { users, hidden } = usersWith(
      {
        '/proc/7/cmdline': '/usr/bin/python3\0/opt/frigate/app.py\0--password\0secret\0',
        '/proc/8/cmdline': '/usr/bin/cat\0',
        '/proc/9/cmdline': 'rknn_server\0--port=1\0',
        '/proc/9/comm': 'rknn_server\n',
      },
      { '/proc/7/fd/3': node, '/proc/8/fd/3': '/dev/dri/renderD128', '/proc/9/fd/30': node },
    );
    assert.deepEqual(users, [
      { pid: 7, command: 'python3 app.py' },
      { pid: 9, command: 'rknn_server' },
    ]);
    assert.equal(hidden, 0);
  });

  it('include the holder of the lock while it runs', () => {
    const lock = { '/tmp/smolvlm-npu/lock': JSON.stringify(holder) };
    assert.deepEqual(usersWith({ ...lock, '/proc/812/stat': stat(812, '1542') }).holder, holder);
    // The same number, reused for a later process.
    assert.equal(usersWith({ ...lock, '/proc/812/stat': stat(812, '99') }).holder, undefined);
    assert.equal(usersWith(lock).holder, undefined);
    assert.equal(usersWith({ '/tmp/smolvlm-npu/lock': 'cut sho' }).holder, undefined);
  });

  it('include the holder in another container, whose processes are hidden', () => {
    const elsewhere = { ...holder, host: 'container pid:[4026532921]' };
    assert.deepEqual(usersWith({ '/tmp/smolvlm-npu/lock': JSON.stringify(elsewhere) }).holder, elsewhere);
  });
});
