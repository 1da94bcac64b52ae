import assert from 'node:assert/strict';
import { campaign } from './campaign';
import { hasNatsServer } from './test-server';

describe('a queue on a cluster of three servers', function () {
  this.timeout(300_000);

  it('loses nothing with the server that leads it', async function () {
    if (!hasNatsServer) this.skip();
    const { leaders, replicas, caption, faults } = await campaign('leader', '--leaders', '2');
    assert.deepEqual(faults, []);
    assert.ok(leaders === 2 && replicas === 3 && Number(caption) > 0);
  });
});

describe('a hub whose network is cut', function () {
  this.timeout(300_000);

  it('costs no frame, and its late answers are ignored', async function () {
    if (!hasNatsServer) this.skip();
    const { caption, faults } = await campaign('cut', '--cut-seconds', '5');
    assert.deepEqual(faults, []);
    assert.ok(Number(caption) > 0);
  });
});

describe('a full disk of the server', function () {
  this.timeout(300_000);

  it('leaves no frame without an end, and captions continue when it has room', async function () {
    if (!hasNatsServer || process.getuid?.() !== 0) this.skip();
    const { caption, faults } = await campaign('disk');
    assert.deepEqual(faults, []);
    assert.ok(Number(caption) > 0);
  });
});
