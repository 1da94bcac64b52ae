import assert from 'node:assert/strict';
import { serveFake } from '../served-fake';

const isAjv = (path: string): boolean => /node_modules\/(ajv|@fastify\/ajv-compiler)\//.test(path);

describe('the validation of requests', () => {
  it('is loaded by the first request that has something to check, not at the start of an engine', async () => {
    for (const path of Object.keys(require.cache).filter(isAjv)) delete require.cache[path];
    const served = await serveFake();
    try {
      assert.equal((await fetch(`${served.url}/v1/status`)).status, 200);
      assert.deepEqual(Object.keys(require.cache).filter(isAjv), []);
      for (const wrong of [{ model: 1 }, { messages: 'x' }]) {
        const body = JSON.stringify(wrong);
        const headers = { 'content-type': 'application/json' };
        const refused = await fetch(`${served.url}/v1/chat/completions`, { method: 'POST', headers, body });
        assert.equal(refused.status, 400, await refused.text());
      }
      assert.ok(Object.keys(require.cache).some(isAjv));
    } finally {
      await served.close();
    }
  });

  for (const [request, message] of [
    [{ prompt: 'a', messages: [] }, 'request must have either prompt or messages, received both'],
    [
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] },
      'request.messages.0.content.0.type must be equal to one of the allowed values: text, image, received "image_url"',
    ],
    [{ queue: { group: 'a', lane: 'b' } }, 'request.queue must have either group or lane, received both'],
  ] as const) {
    it(`names the fields at fault: ${message}`, async () => {
      const served = await serveFake();
      try {
        const body = new FormData();
        body.set('request', JSON.stringify({ id: 'a', ...request }));
        const refused = await fetch(`${served.url}/v1/frames/describe`, { method: 'POST', body });
        assert.equal(refused.status, 400);
        const { error } = (await refused.json()) as { error: { message: string } };
        assert.equal(error.message, message);
      } finally {
        await served.close();
      }
    });
  }
});
