import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { EngineStatus } from '../../src/protocol/engine-status';
import { limits } from '../../src/protocol/limits';
import type { ServedEngine } from '../../src/server/serve-engine';
import { serveFake } from './served-fake';

describe('HTTP server', () => {
  let served: ServedEngine;
  let url: string;
  before(async () => {
    served = await serveFake();
    url = served.url ?? '';
  });
  after(() => served.close());

  function form(request: unknown, pictures = 1): FormData {
    const data = new FormData();
    data.set('request', typeof request === 'string' ? request : JSON.stringify(request));
    for (let index = 0; index < pictures; index += 1)
      data.append('image', new Blob(['picture']), 'frame.jpg');
    return data;
  }

  async function post(
    body: FormData | string | Uint8Array<ArrayBuffer>,
    contentType?: string,
  ): Promise<[number, string]> {
    const response = await fetch(`${url}/v1/frames/describe`, {
      method: 'POST',
      body,
      ...(contentType === undefined ? {} : { headers: { 'content-type': contentType } }),
    });
    const text = await response.text();
    const { error }: { error?: { code?: string } } = response.ok ? {} : JSON.parse(text);
    return [response.status, error?.code ?? text];
  }

  async function assertStillAnswers(): Promise<void> {
    const [status, text] = await post(form({ id: crypto.randomUUID(), prompt: 'fine' }));
    assert.equal(status, 200);
    assert.match(text, /"type":"result"/);
  }

  it('refuses what is not a form, not JSON, or has parts too many or too few', async () => {
    const multipart = 'multipart/form-data; boundary=x';
    assert.deepEqual(await post('--x\r\nbroken', multipart), [400, 'request-form']);
    assert.deepEqual(await post('hello', 'multipart/form-data'), [400, 'request-form']);
    assert.deepEqual(await post('', multipart), [400, 'request-form']);
    assert.deepEqual(await post('{"id":"a"}', 'application/json'), [400, 'request-form']);
    assert.deepEqual(await post('hello', 'text/html'), [400, 'request-refused']);
    assert.deepEqual(await post(form('{"id":')), [400, 'request-json']);
    assert.deepEqual(await post(form({ id: 'a' }, 0)), [400, 'request-no-picture']);
    assert.deepEqual(await post(form({ id: 'a' }, limits.pictures + 1)), [413, 'request-too-large']);
    const twice = form({ id: 'a' });
    twice.append('request', '{}');
    assert.deepEqual(await post(twice), [400, 'request-form']);
    const stranger = form({ id: 'a' });
    stranger.append('extra', 'x');
    assert.deepEqual(await post(stranger), [400, 'request-form']);
    await assertStillAnswers();
  });

  it('refuses requests that do not fit their schema, and says where', async () => {
    for (const request of [
      {},
      null,
      [],
      'text',
      { id: '' },
      { id: 'a', prompt: 5 },
      { id: 'a', prompt: 'x', messages: [{ role: 'user', content: [{ type: 'image' }] }] },
      { id: 'a', messages: [{ role: 'robot', content: [{ type: 'image' }] }] },
      { id: 'a', crop: { x: 0, y: 0, width: 0, height: 1 } },
      {
        id: 'a',
        masks: [
          [
            [0, 0],
            [1, 1],
          ],
        ],
      },
      { id: 'a', priority: 'high' },
      { id: 'a', prompt: 'x'.repeat(limits.textCharacters + 1) },
      { id: 'a', __proto__x: 1 },
    ]) {
      assert.deepEqual(
        await post(form(JSON.stringify(request))),
        [400, 'request-invalid'],
        JSON.stringify(request).slice(0, 80),
      );
    }
    const twoParts = {
      id: 'a',
      messages: [{ role: 'user', content: [{ type: 'image' }, { type: 'image' }] }],
    };
    assert.deepEqual(await post(form(twoParts)), [400, 'request-images']);
  });

  it('refuses a body beyond the limit before it is read', async () => {
    const head = `POST /v1/frames/describe HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: multipart/form-data; boundary=x\r\ncontent-length: ${limits.bodyBytes + 1}\r\n\r\n`;
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(head));
      socket.once('data', (bytes) => {
        resolve(bytes.toString());
        socket.destroy();
      });
      socket.once('error', reject);
    });
    assert.match(answer, /^HTTP\/1\.1 413 /);
  });

  it('answers unknown paths and cancels of unknown ids', async () => {
    assert.equal((await fetch(`${url}/nothing`)).status, 404);
    const cancelled = await fetch(`${url}/v1/requests/unknown`, { method: 'DELETE' });
    assert.deepEqual(await cancelled.json(), { cancelled: false });
  });

  it('continues after random bodies', async () => {
    let seed = 42;
    const byte = (): number => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return (seed >> 16) & 255;
    };
    const pieces = [
      '--x\r\n',
      '--x--',
      'content-disposition: form-data; name="request"',
      '\r\n\r\n',
      '{"id":"a"}',
      '\0',
      'name="image"; filename="',
      '\r\n',
    ];
    for (let round = 0; round < 150; round += 1) {
      const parts = Array.from({ length: byte() % 12 }, () =>
        byte() % 4 === 0
          ? Buffer.from(Array.from({ length: byte() }, byte))
          : Buffer.from(pieces[byte() % pieces.length] ?? ''),
      );
      const [status] = await post(Buffer.concat(parts), 'multipart/form-data; boundary=x');
      assert.ok(status >= 400 && status < 500, `status ${status}`);
    }
    await assertStillAnswers();
  });

  it('refuses fields and pictures that do not go with features', async () => {
    const question = { id: 'a', prompt: 'x', features: ['f'] };
    const crop = { x: 0, y: 0, width: 1, height: 1 };
    assert.deepEqual(await post(form(question, 1)), [400, 'request-features']);
    assert.deepEqual(await post(form({ ...question, crop }, 0)), [400, 'request-features']);
    assert.deepEqual(await post(form({ ...question, masks: [] }, 0)), [400, 'request-features']);
    assert.deepEqual(await post(form({ ...question, detail: 'low' }, 0)), [400, 'request-features']);
    assert.deepEqual(await post(form({ ...question, features: [] }, 0)), [400, 'request-invalid']);
    const content = [{ type: 'image' }, { type: 'image' }];
    const messages = [{ role: 'user', content }];
    assert.deepEqual(await post(form({ id: 'a', messages, features: ['f'] }, 0)), [400, 'request-images']);
    for (const asked of [{ prompt: 'x' }, { choices: ['a'] }, { features: ['f'] }, { stream: true }]) {
      assert.deepEqual(await post(form({ id: 'a', task: 'features', ...asked }, 0)), [400, 'request-task']);
    }
    assert.deepEqual(await post(form({ id: 'a', task: 'features' }, 0)), [400, 'request-no-picture']);
    await assertStillAnswers();
  });

  it('keeps a request whose client has gone, for it to come back', async () => {
    const abort = new AbortController();
    const response = await fetch(`${url}/v1/frames/describe`, {
      method: 'POST',
      body: form({ id: 'comes-back', prompt: 'slow 150', stream: true }),
      signal: abort.signal,
    });
    assert.equal(response.status, 200);
    abort.abort();
    const [, text] = await post(form({ id: 'comes-back', prompt: 'slow 150' }));
    assert.match(text, /"type":"result"/);
    const status = (await (await fetch(`${url}/v1/status`)).json()) as EngineStatus;
    assert.equal(status.cameras['']?.dropped.cancelled, undefined);
  });

  it('cancels a request whose client does not come back in time', async () => {
    const other = await serveFake({ abandonedMs: 10 });
    try {
      const abort = new AbortController();
      await fetch(`${other.url}/v1/frames/describe`, {
        method: 'POST',
        body: form({ id: 'gone', prompt: 'slow 60000' }),
        signal: abort.signal,
      });
      abort.abort();
      let status: EngineStatus;
      do {
        await delay(10);
        status = (await (await fetch(`${other.url}/v1/status`)).json()) as EngineStatus;
      } while (status.cameras['']?.running !== 0);
      assert.equal(status.cameras['']?.dropped.cancelled, 1);
    } finally {
      await other.close();
    }
  });

  it('refuses requests without the token, except for its health', async () => {
    const token = '0123456789abcdef';
    const guarded = await serveFake({ tcp: { host: '127.0.0.1', port: 0, token } });
    try {
      const status = async (path: string, authorization?: string): Promise<number> => {
        const headers = authorization === undefined ? {} : { authorization };
        return (await fetch(`${guarded.url}${path}`, { headers })).status;
      };
      assert.equal(await status('/v1/status'), 401);
      assert.equal(await status('/v1/status', 'Bearer 0123456789abcdeF'), 401);
      assert.equal(await status('/v1/status', `Basic ${token}`), 401);
      assert.equal(await status('/v1/smolvlm/doctor', `Basic ${token}`), 401);
      assert.equal(await status('/v1/models'), 401);
      assert.equal(await status('/nothing'), 401);
      assert.equal(await status('/v1/status', `Bearer ${token}`), 200);
      assert.equal(await status('/health'), 200);
    } finally {
      await guarded.close();
    }
    await assert.rejects(serveFake({ tcp: { host: '0.0.0.0', port: 0 } }), { code: 'engine-token' });
  });

  it('opens its unix socket to this user only, and removes it', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'smolvlm-test-'));
    const socketPath = join(directory, 'run', 'engine.sock');
    try {
      const engine = await serveFake({ socketPath });
      assert.equal(statSync(socketPath).mode & 0o777, 0o600);
      assert.equal(statSync(join(directory, 'run')).mode & 0o777, 0o700);
      await assert.rejects(serveFake({ socketPath }), { code: 'engine-running' });
      await engine.close();
      assert.equal(statSync(socketPath, { throwIfNoEntry: false }), undefined);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
