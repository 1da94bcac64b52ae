import assert from 'node:assert/strict';
import type { DescribeRequest } from '../../../src/protocol/describe-request';
import { checkRequest } from '../../../src/server/http/request-checks';
import { serveFake } from '../served-fake';

describe('queue.group of a request', () => {
  it('may be called queue.lane, as older clients call it', () => {
    const queue = { policy: 'newest', lane: 'question' } as DescribeRequest['queue'];
    const { queue: checked } = checkRequest({ id: 'a', ...(queue && { queue }) }, 1);
    assert.deepEqual(checked, { policy: 'newest', group: 'question' });
  });

  it('is accepted by either name, and refused when both are given', async () => {
    const served = await serveFake();
    const post = async (queue: object): Promise<number> => {
      const body = new FormData();
      body.set('request', JSON.stringify({ id: crypto.randomUUID(), prompt: 'x', queue }));
      body.append('image', new Blob(['picture']), 'frame.jpg');
      const response = await fetch(`${served.url}/v1/frames/describe`, { method: 'POST', body });
      await response.text();
      return response.status;
    };
    try {
      assert.equal(await post({ group: 'a' }), 200);
      assert.equal(await post({ lane: 'a' }), 200);
      assert.equal(await post({ group: 'a', lane: 'a' }), 400);
    } finally {
      await served.close();
    }
  });
});
