import assert from 'node:assert/strict';
import { once } from 'node:events';
import { RemoteModels } from '../../../src/client/models/remote-models';
import { NdjsonDecoder } from '../../../src/protocol/ndjson';
import type { ServedEngine, ServeOptions } from '../../../src/server/serve-engine';
import { readSettings } from '../../../src/system/settings';
import { demoModelFiles, LoopbackHub } from '../../model/hub/loopback-hub';
import { useTempFolder } from '../../temp-folder';
import { serveFake } from '../served-fake';

const token = 'a-token-of-this-suite';

describe('routes of an engine for its machine’s models', function () {
  this.timeout(60_000);
  const temp = useTempFolder();
  let hub: LoopbackHub;
  let served: ServedEngine | undefined;

  beforeEach(async () => {
    hub = new LoopbackHub(demoModelFiles());
    await hub.start();
  });
  afterEach(async () => {
    await served?.close();
    await hub.stop();
  });

  async function serve(tcp: Partial<ServeOptions['tcp']> = { token }): Promise<string> {
    const { npu, rkllm } = readSettings({});
    served = await serveFake({
      tcp: { host: '127.0.0.1', port: 0, ...tcp },
      hub: { endpoint: hub.endpoint },
      settings: { cacheDir: temp('cache'), npu, rkllm },
    });
    return served.url ?? '';
  }

  const authorization = { authorization: `Bearer ${token}` };

  function fetchModel(url: string, model: string, headers: object = authorization): Promise<Response> {
    return fetch(`${url}/v1/smolvlm/models/fetch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ model }),
    });
  }

  async function code(response: Response): Promise<string> {
    const { error } = (await response.json()) as { error: { code: string } };
    return `${response.status} ${error.code}`;
  }

  /** Resolves when the hub has sent a part of the weights, and nothing more of them for now. */
  function stalled(): Promise<void> {
    hub.faults.set('model.safetensors', [{ kind: 'stall', afterBytes: 1_000_000 }]);
    return new Promise((resolve) => {
      hub.onStall = resolve;
    });
  }

  it('answer nothing to a caller without the token', async () => {
    const url = await serve();
    for (const request of [
      fetch(`${url}/v1/smolvlm/models`),
      fetchModel(url, 'ORG/NAME', {}),
      fetch(`${url}/v1/smolvlm/models/ORG/NAME`, { method: 'DELETE' }),
    ]) {
      assert.equal(await code(await request), '401 request-unauthorized');
    }
    assert.deepEqual(hub.seen, []);
  });

  it('change nothing where the engine has no token, whoever calls', async () => {
    const url = await serve({});
    assert.equal((await fetch(`${url}/v1/smolvlm/models`)).status, 200);
    assert.equal(await code(await fetchModel(url, 'ORG/NAME', {})), '401 request-unauthorized');
    const removing = fetch(`${url}/v1/smolvlm/models/ORG/NAME`, { method: 'DELETE' });
    assert.equal(await code(await removing), '401 request-unauthorized');
    assert.deepEqual(hub.seen, []);
  });

  it('refuse a path, another field and an unknown name', async () => {
    const url = await serve();
    assert.equal(await code(await fetchModel(url, '../../etc')), '404 hub-not-found');
    const wrong = await fetch(`${url}/v1/smolvlm/models/fetch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...authorization },
      body: JSON.stringify({ model: 'ORG/NAME', folder: '/tmp' }),
    });
    assert.equal(wrong.status, 400);
    for (const name of ['ORG/NAME', '..%2F..%2Fetc', '%2Fetc']) {
      const removing = fetch(`${url}/v1/smolvlm/models/${name}`, {
        method: 'DELETE',
        headers: authorization,
      });
      assert.equal(await code(await removing), '404 model-not-found', name);
    }
  });

  it('fetch a model once for two callers, and remove it only afterwards', async () => {
    const url = await serve();
    const stall = stalled();
    const first = await fetchModel(url, 'ORG/NAME');
    await stall;
    const second = new AbortController();
    const joined = new RemoteModels({ kind: 'remote', url: new URL(url), token });
    const leaving = joined.fetch('ORG/NAME', { signal: second.signal, onProgress: () => second.abort() });
    await assert.rejects(leaving, { name: 'AbortError' });
    await assert.rejects(joined.remove('ORG/NAME'), { code: 'model-fetching' });
    assert.equal(hub.seen.filter(({ host }) => host === 'storage').length, 1);
    await first.body?.cancel();
  });

  it('end a download with an event when the engine stops', async () => {
    const url = await serve();
    const stall = stalled();
    const response = await fetchModel(url, 'ORG/NAME');
    assert.match(response.headers.get('content-type') ?? '', /x-ndjson/);
    await stall;
    const closed = served?.close();
    const events = new NdjsonDecoder().push(Buffer.from(await response.arrayBuffer()));
    const last = events.at(-1) as { type: string; error?: { code: string } };
    assert.deepEqual([last.type, last.error?.code], ['error', 'engine-stopping']);
    await closed;
  });

  it('are in the OpenAPI document', async () => {
    const url = await serve();
    const response = await fetch(`${url}/openapi.json`, { headers: authorization });
    const { paths } = (await response.json()) as { paths: Record<string, Record<string, object>> };
    assert.deepEqual(Object.keys(paths['/v1/smolvlm/models'] ?? {}), ['get']);
    assert.deepEqual(Object.keys(paths['/v1/smolvlm/models/fetch'] ?? {}), ['post']);
    assert.deepEqual(Object.keys(paths['/v1/smolvlm/models/{id}'] ?? {}), ['delete']);
  });

  it('are missed in a plain sentence by a client of an older engine', async () => {
    served = await serveFake();
    const models = new RemoteModels({ kind: 'remote', url: new URL(served.url ?? '') });
    await assert.rejects(models.list(), {
      code: 'engine-protocol',
      message: /older version of this package/,
      hint: /smolvlm pull/,
    });
    await assert.rejects(models.fetch('ORG/NAME'), { code: 'engine-protocol' });
  });

  it('are missed by a client whose engine does not answer', async () => {
    const server = (await import('node:net')).createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    server.close();
    const models = new RemoteModels({ kind: 'remote', url: new URL(`http://127.0.0.1:${port}`) });
    await assert.rejects(models.list(), { code: 'engine-unreachable', message: /127\.0\.0\.1/ });
  });
});
