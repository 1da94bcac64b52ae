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
      { pid: 7, command: 'python3 app.py', program: 'frigate' },
      { pid: 9, command: 'rknn_server' },
    ]);
    assert.equal(hidden, 0);
  });

  it('are not Xorg, a compositor or the login manager, which keep every card open', () => {
    const { users } = usersWith(
      {
        '/proc/7/cmdline': '/usr/lib/xorg/Xorg\0:0\0-seat\0seat0\0',
        '/proc/8/cmdline': '/lib/systemd/systemd-logind\0',
        '/proc/9/cmdline': '/usr/bin/gnome-shell\0',
        '/proc/10/cmdline': '/opt/sway-detector\0',
      },
      Object.fromEntries([7, 8, 9, 10].map((pid) => [`/proc/${pid}/fd/3`, node])),
    );
    assert.deepEqual(
      users.map(({ pid }) => pid),
      [10],
    );
  });

  it('are shown with the module that Python runs', () => {
    const { users } = usersWith(
      {
        '/proc/7/cmdline': '/opt/venv/bin/python3\0-u\0-m\0rkllama.server\0--key\0secret\0',
        '/proc/8/cmdline': 'python\0-m\0immich_ml\0',
      },
      { '/proc/7/fd/3': node, '/proc/8/fd/3': node },
    );
    assert.deepEqual(users, [
      { pid: 7, command: 'python3 -u -m rkllama.server', program: 'rkllm' },
      { pid: 8, command: 'python -m immich_ml' },
    ]);
  });

  it('are named by their programs: Frigate’s detector, servers of the vendor’s language model runtime', () => {
    const { users } = usersWith(
      {
        '/proc/7/cmdline': 'frigate.detector:rknn\0',
        '/proc/8/cmdline': '/usr/bin/python3\0/opt/rkllama/server.py\0',
        '/proc/9/cmdline': '/opt/chat\0',
        '/proc/9/maps': '7f00-7f01 r-xp 0 00:00 1 /usr/lib/librkllmrt.so\n',
        '/proc/10/cmdline': '/usr/bin/python3\0-u\0-m\0frigate\0',
      },
      Object.fromEntries([7, 8, 9, 10].map((pid) => [`/proc/${pid}/fd/3`, node])),
    );
    assert.deepEqual(
      users.map(({ pid, program }) => [pid, program]),
      [
        [10, 'frigate'],
        [7, 'frigate'],
        [8, 'rkllm'],
        [9, 'rkllm'],
      ],
    );
  });

  it('include processes of other users that are known by their names, as probable', () => {
    const files = {
      '/proc/7/cmdline': 'frigate.detector:rknn\0',
      '/proc/8/cmdline': 'frigate.detector:coral\0',
      '/proc/9/cmdline': 'frigate.capture:door\0',
      '/proc/10/cmdline': '/usr/bin/python3\0/opt/rkllama/server.py\0',
      '/proc/11/cmdline': '/usr/bin/bash\0',
    };
    const denied = [7, 8, 9, 10, 11].map((pid) => `/proc/${pid}/fd`);
    const tree = recordedTree(temp(), { files, denied });
    const { users, hidden } = npuUsers(tree, [node]);
    assert.deepEqual(users, [
      { pid: 10, command: 'python3 server.py', program: 'rkllm', likely: true },
      { pid: 7, command: 'frigate.detector:rknn', program: 'frigate', likely: true },
    ]);
    assert.equal(hidden, 5);
    assert.deepEqual(npuUsers(tree, []).users, [], 'none without an NPU');
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
