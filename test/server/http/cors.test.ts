import assert from 'node:assert/strict';
import type { ServedEngine } from '../../../src/server/serve-engine';
import { serveFake } from '../served-fake';

const origin = 'https://chat.example';

describe('pages of other origins', () => {
  let served: ServedEngine;
  afterEach(() => served?.close());

  const status = async (headers: object): Promise<Response> =>
    fetch(`${served.url}/v1/status`, { headers: { ...headers } });

  it('may use the engine when their origin is listed, with or without a token', async () => {
    served = await serveFake({ corsOrigins: [origin] });
    const allowed = await status({ origin });
    assert.deepEqual([allowed.status, allowed.headers.get('access-control-allow-origin')], [200, origin]);
    const other = await status({ origin: 'https://evil.example' });
    assert.deepEqual([other.status, other.headers.get('access-control-allow-origin')], [403, null]);
  });

  it('may not by default', async () => {
    served = await serveFake();
    const refused = await status({ origin });
    assert.deepEqual([refused.status, refused.headers.get('access-control-allow-origin')], [403, null]);
  });

  it('ask first, without the token', async () => {
    served = await serveFake({
      corsOrigins: ['*'],
      tcp: { host: '127.0.0.1', port: 0, token: 'a-token-of-this-test' },
    });
    const preflight = await fetch(`${served.url}/v1/chat/completions`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    });
    assert.equal(preflight.status, 204);
    assert.match(preflight.headers.get('access-control-allow-headers') ?? '', /authorization/);
    // OpenAI's client for browsers adds its own.
    const wanted = 'authorization,content-type,x-stainless-lang,x-stainless-retry-count';
    const asking = await fetch(`${served.url}/v1/chat/completions`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': wanted,
      },
    });
    assert.equal(asking.headers.get('access-control-allow-headers'), wanted);
    assert.equal((await status({ origin })).status, 401);
    assert.equal((await status({ origin, 'x-api-key': 'a-token-of-this-test' })).status, 200);
  });
});
