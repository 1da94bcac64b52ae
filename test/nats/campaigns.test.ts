import assert from 'node:assert/strict';
import { campaign } from './campaign';
import { hasNatsServer } from './test-server';

describe('hubs that are killed in the middle of captions', function () {
  this.timeout(180_000);

  it('cost no frame: each ends once (short form of npm run test:hubs)', async function () {
    if (!hasNatsServer) this.skip();
    const { kills, caption, faults } = await campaign('kill', '--kills', '2');
    assert.deepEqual(faults, []);
    assert.ok(kills === 2 && Number(caption) > 0);
  });
});
