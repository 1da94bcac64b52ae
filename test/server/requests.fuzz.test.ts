import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import type { ServedEngine } from '../../src/server/serve-engine';
import { demoFrame } from '../fixtures';
import { fuzz, fuzzTimeoutMs, mutatedBytes, mutatedJson, mutatedText } from '../fuzz';
import { serveFake } from './served-fake';

const boundary = 'fuzz-boundary';

const describeRequest = {
  prompt: 'what is it',
  camera: 'porch',
  detail: 'low',
  maxNewTokens: 16,
  temperature: 0,
  topP: 1,
  seed: 7,
  stop: ['.'],
  crop: { x: 0, y: 0, width: 0.5, height: 0.5 },
  masks: [
    [
      { x: 0, y: 0 },
      { x: 1, y: 0 },
      { x: 1, y: 1 },
    ],
  ],
  queue: { policy: 'newest', capacity: 3, group: 'node' },
  priority: 1,
  maxAgeMs: 60_000,
  deadlineMs: 60_000,
  capturedAt: '2026-01-01T00:00:00.000Z',
  thumbnailSide: 64,
  stream: true,
};

const image = {
  type: 'image_url',
  image_url: { url: `data:image/png;base64,${btoa('picture')}`, detail: 'low' },
};
const chatRequest = {
  model: 'm',
  messages: [
    { role: 'system', content: 'You are a camera.' },
    { role: 'user', content: [image, { type: 'text', text: 'what is it' }] },
  ],
  max_tokens: 5,
  temperature: 0,
  top_p: 1,
  n: 1,
  stop: ['.'],
  seed: 1,
  stream: false,
};

describe('requests to the engine, fuzzed', function () {
  this.timeout(fuzzTimeoutMs);
  let served: ServedEngine;

  before(async () => {
    served = await serveFake();
  });
  after(() => served.close());

  /** Every answer is a success that ends, or a refusal with a code and a sentence; never a server error. */
  async function post(path: string, body: Buffer | string, contentType: string): Promise<void> {
    const response = await fetch(`${served.url}${path}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : new Uint8Array(body),
      headers: { 'content-type': contentType },
    });
    const text = await response.text();
    if (response.status === 200) {
      assert.notEqual(text.trim(), '');
      return;
    }
    assert.ok(response.status < 500, `${response.status} ${text}`);
    const { error } = JSON.parse(text) as { error: { code: string; message: string } };
    assert.ok(error.code !== 'internal' && error.message.length > 5, text);
  }

  function form(request: string, picture: Uint8Array): Buffer {
    return Buffer.concat([
      Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="request"\r\n\r\n${request}\r\n`),
      Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="image"; filename="f.jpg"\r\n\r\n`),
      Buffer.from(picture),
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]);
  }

  let sent = 0;
  const withId = (request: unknown): string => {
    sent += 1;
    const object = typeof request === 'object' && request !== null && !Array.isArray(request);
    return JSON.stringify(object ? { id: `fuzz-${sent}`, ...request } : request) ?? 'null';
  };
  const multipart = `multipart/form-data; boundary=${boundary}`;
  const describePath = '/v1/frames/describe';
  const chatPath = '/v1/chat/completions';

  it('of the native protocol, with any value in any place, are answered or refused by name', async () => {
    const picture = Buffer.from('picture');
    const property = fc.asyncProperty(mutatedJson(describeRequest), (json) =>
      post(describePath, form(withId(json), picture), multipart),
    );
    await fuzz(property);
  });

  it('of the native protocol, with damaged bodies, are answered or refused by name', async () => {
    const whole = form(
      JSON.stringify({ id: 'damaged', prompt: 'x' }),
      readFileSync(demoFrame('frame_05_porch_day.jpg')).subarray(0, 512),
    );
    await fuzz(fc.asyncProperty(mutatedBytes(whole), (body) => post(describePath, body, multipart)));
  });

  it('for chat completions, with any value in any place, are answered or refused by name', async () => {
    const property = fc.asyncProperty(mutatedJson(chatRequest), (json) =>
      post(chatPath, JSON.stringify(json) ?? 'null', 'application/json'),
    );
    await fuzz(property);
  });

  it('for chat completions, with damaged text, are answered or refused by name', async () => {
    const property = fc.asyncProperty(mutatedText(JSON.stringify(chatRequest)), (text) =>
      post(chatPath, text, 'application/json'),
    );
    await fuzz(property);
  });

  it('leave an engine that still answers', async () => {
    await post(describePath, form(withId({ prompt: 'fine' }), Buffer.from('x')), multipart);
    const status = await fetch(`${served.url}/v1/status`);
    assert.equal(status.status, 200);
  });
});
