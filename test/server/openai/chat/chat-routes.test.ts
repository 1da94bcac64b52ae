import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { EngineStatus } from '../../../../src/protocol/engine-status';
import type { ServedEngine } from '../../../../src/server/serve-engine';
import { serveFake } from '../../served-fake';

const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${btoa('a picture')}` } };

function ask(text: string, ...images: object[]): object {
  return { messages: [{ role: 'user', content: [...images, { type: 'text', text }] }] };
}

describe("OpenAI's chat completions", () => {
  let served: ServedEngine;
  before(async () => {
    served = await serveFake({ aliases: new Map([['gpt-4o-mini', 'fake']]) });
  });
  after(() => served.close());

  function post(body: object, signal?: AbortSignal, engine = served): Promise<Response> {
    return fetch(`${engine.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
      ...(signal ? { signal } : {}),
    });
  }

  async function refusal(body: object): Promise<string> {
    const response = await post(body);
    const { error } = (await response.json()) as { error: { code: string; type: string; message: string } };
    assert.ok(error.message.length > 10);
    return `${response.status} ${error.type} ${error.code}`;
  }

  it('answers with the caption, its finish reason and usage', async () => {
    const response = await post({
      ...ask('what is it', image, image),
      model: 'gpt-4o-mini',
      max_tokens: 5,
      temperature: 0,
      n: 1,
    });
    assert.equal(response.status, 200);
    const { created, id, timings, system_fingerprint, ...rest } = (await response.json()) as {
      created: number;
      id: string;
      timings: { predicted_n: number };
      system_fingerprint: string;
    };
    assert.match(id, /^chatcmpl-/);
    assert.ok(Number.isInteger(created));
    assert.equal(timings.predicted_n, 3);
    assert.match(system_fingerprint, /^build-/);
    assert.deepEqual(rest, {
      object: 'chat.completion',
      model: 'gpt-4o-mini',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: '2 of 9+9 bytes: what is it', refusal: null },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: { prompt_tokens: 70, completion_tokens: 3, total_tokens: 73 },
    });
  });

  it('streams chunks, usage when asked for, and [DONE]', async () => {
    const response = await post({
      ...ask('one two', image),
      stream: true,
      stream_options: { include_usage: true },
    });
    assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
    const lines = (await response.text()).split('\n\n').filter((line) => line.startsWith('data: '));
    assert.equal(lines.pop(), 'data: [DONE]');
    const chunks = lines.map((line) => JSON.parse(line.slice(6)));
    assert.deepEqual(chunks[0].choices[0].delta, { role: 'assistant', content: null });
    assert.equal(chunks.pop().usage.total_tokens, 73);
    assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
    const text = chunks.map((chunk) => chunk.choices[0].delta.content ?? '').join('');
    assert.equal(text, '1 of 9 bytes: one two');
  });

  it("refuses in OpenAI's words what it cannot do", async () => {
    const invalid = '400 invalid_request_error request-invalid';
    assert.equal(await refusal({}), invalid);
    assert.equal(await refusal({ messages: [] }), invalid);
    assert.equal(await refusal({ ...ask('x', image), n: 9 }), invalid);
    assert.equal(await refusal({ ...ask('x', image), max_tokens: -2 }), invalid);
    assert.equal(await refusal(ask('x', { type: 'audio' })), invalid);
    const remote = { type: 'image_url', image_url: { url: 'http://127.0.0.1/x.jpg' } };
    assert.equal(await refusal(ask('x', remote)), '400 invalid_request_error request-image-url');
    const file = { type: 'image_url', image_url: { url: 'file:///etc/passwd' } };
    assert.equal(await refusal(ask('x', file)), '400 invalid_request_error request-image-url');
    assert.equal(await refusal(ask('fail', image)), '400 invalid_request_error image-truncated');
    assert.equal(await refusal(ask('exit', image)), '500 server_error engine-thread-lost');
  });

  it('names the fields that it does not support, and the place of a fault', async () => {
    const param = async (more: object): Promise<string> => {
      const response = await post({ ...ask('x'), ...more });
      const { error } = (await response.json()) as { error: { param: string; code: string } };
      return `${response.status} ${error.code} ${error.param}`;
    };
    const tools = [{ type: 'function', function: { name: 'f' } }];
    assert.equal(await param({ tools }), '400 request-unsupported tools');
    assert.equal(await param({ tool_choice: 'required' }), '400 request-unsupported tool_choice');
    assert.equal(await param({ modalities: ['text', 'audio'] }), '400 request-unsupported modalities');
    assert.equal(await param({ grammar: 'root ::= "a"' }), '400 request-unsupported grammar');
    assert.equal(await param({ repeat_penalty: 1.1 }), '400 request-unsupported repeat_penalty');
    assert.equal(await param({ max_tokens: 0 }), '400 request-invalid max_tokens');
    assert.equal(await param({ max_completion_tokens: 0 }), '400 request-invalid max_completion_tokens');
    const part = { type: 'image_url', image_url: { url: 'data:x', detail: 'huge' } };
    assert.match(await param(ask('x', part)), /messages\[0\]\.content\[0\]\.image_url\.detail$/);
    const schema = { type: 'object', properties: { a: { not: { type: 'null' } } } };
    const response_format = { type: 'json_schema', json_schema: { name: 'x', schema } };
    assert.match(
      await param({ response_format }),
      /response_format\.json_schema\.schema\.properties\.a\.not$/,
    );
    assert.equal(
      (await post({ ...ask('x'), tools, tool_choice: 'none', modalities: ['text'], user: 'u', metadata: {} }))
        .status,
      200,
    );
  });

  it('names the place of a fault of a text or picture, in the words of each address', async () => {
    const fault = async (path: string, body: object): Promise<string> => {
      const response = await fetch(`${served.url}/v1/${path}`, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      });
      const { error } = (await response.json()) as { error: { param: string; code: string } };
      return `${response.status} ${error.code} ${error.param}`;
    };
    const content = [
      { type: 'input_image', image_url: image.image_url.url },
      { type: 'input_text', text: 'fail' },
    ];
    const input = [{ role: 'user', content }];
    const first = 'messages[0].content[0].image_url.url';
    assert.equal(await fault('chat/completions', ask('fail', image)), `400 image-truncated ${first}`);
    assert.equal(await fault('responses', { input }), '400 image-truncated input[0].content[0].image_url');
    const both = ask('unreadable', image, image);
    const second = 'messages[0].content[1].image_url.url';
    assert.equal(await fault('chat/completions', both), `400 image-truncated ${second}`);
    assert.equal(await fault('chat/completions', { ...both, stream: true }), `400 image-truncated ${second}`);
    assert.equal(await fault('completions', { prompt: 'fail' }), '400 image-truncated prompt');
    const many = ask('x', ...Array.from({ length: 17 }, () => image));
    assert.match(
      await fault('chat/completions', many),
      /^413 request-too-large messages\[0\]\.content\[1[67]\]\.image_url\.url$/,
    );
  });

  it('says what a body must be that is not JSON', async () => {
    const send = async (body: string, headers: Record<string, string>): Promise<string> => {
      const response = await fetch(`${served.url}/v1/chat/completions`, { method: 'POST', body, headers });
      const { error } = (await response.json()) as { error: { message: string } };
      return `${response.status} ${error.message}`;
    };
    const json = { 'content-type': 'application/json' };
    assert.match(await send('{', json), /^400 expected JSON in the body/);
    assert.match(await send('[]', json), /^400 body: expected a JSON object/);
    // curl -d without a header
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    for (const headers of [form, { 'content-type': 'text/plain' }])
      assert.match(await send('{}', headers), /^400 .* Content-Type: application\/json/);
    assert.match(
      await send('{}', { ...json, 'content-encoding': 'gzip' }),
      /^400 .*Content-Encoding, received gzip/,
    );
  });

  it('says what a field should be and what was received', async () => {
    const message = async (body: object): Promise<string> => {
      const { error } = (await (await post(body)).json()) as { error: { message: string } };
      return error.message;
    };
    const audio = { type: 'input_audio', input_audio: { data: 'aGk=', format: 'wav' } };
    assert.deepEqual(
      await Promise.all([
        message(ask('x', audio)),
        message({ ...ask('x'), max_tokens: '5' }),
        message({ ...ask('x'), n: 9 }),
        message({ messages: [] }),
        message({ messages: [{ role: 'user', content: { text: 'x' } }] }),
        message({ messages: [{ role: 'user', content: 'x'.repeat(200_001) }] }),
      ]),
      [
        'messages[0].content[0].type: expected one of text, image_url, refusal, received "input_audio"',
        'max_tokens: expected a whole number or null, received "5"',
        'n: expected at most 8, received 9',
        'messages: expected at least 1 in the list, received 0',
        'messages[0].content: expected a string or a list or null, received an object',
        'messages[0].content: expected at most 200000 characters, received 200001',
      ],
    );
  });

  it('answers 429 with Retry-After when too many requests wait', async () => {
    const busy = await serveFake();
    const abort = new AbortController();
    try {
      const waiting = Array.from({ length: 101 }, () =>
        post(ask('slow 60000'), abort.signal, busy).catch(() => undefined),
      );
      const status = async () => (await (await fetch(`${busy.url}/v1/status`)).json()) as EngineStatus;
      while ((await status()).cameras.openai?.waiting !== 100) await delay(5);
      for (const stream of [false, true]) {
        const refused = await post({ ...ask('x'), stream }, undefined, busy);
        assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '5']);
        const { error } = (await refused.json()) as { error: { message: string; code: string } };
        assert.equal(error.code, 'rate_limit_exceeded');
        assert.match(error.message, /^100 requests are waiting already\. .*Retry-After/);
      }
      abort.abort();
      await Promise.all(waiting);
    } finally {
      await busy.close();
    }
  });

  it('reports a failure in the middle of a stream and ends it', async () => {
    const text = await (await post({ ...ask('break', image), stream: true })).text();
    assert.match(text, /"code":"image-truncated"/);
    assert.match(text, /data: \[DONE\]\n\n$/);
  });

  for (const stream of [false, true]) {
    it(`cancels when the client goes${stream ? ' in the middle of a stream' : ''}`, async () => {
      const status = async () => (await (await fetch(`${served.url}/v1/status`)).json()) as EngineStatus;
      const before = (await status()).cameras.openai?.dropped.cancelled ?? 0;
      const abort = new AbortController();
      const asked = post({ ...ask('slow 60000', image), stream }, abort.signal).catch(() => undefined);
      while ((await status()).cameras.openai?.running !== 1) await delay(5);
      abort.abort();
      await asked;
      while ((await status()).cameras.openai?.running !== 0) await delay(5);
      assert.equal((await status()).cameras.openai?.dropped.cancelled, before + 1);
    });
  }

  it('cancels when the client goes while its picture is fetched', async () => {
    const abort = new AbortController();
    let fetchEnded = (): void => {};
    const ended = new Promise<void>((resolve) => {
      fetchEnded = resolve;
    });
    const pictures = createServer((_request, response) => {
      response.once('close', fetchEnded);
      abort.abort();
    });
    await new Promise<void>((resolve) => pictures.listen(0, '127.0.0.1', resolve));
    const { port } = pictures.address() as AddressInfo;
    const open = await serveFake({ imageHosts: ['127.0.0.1'] });
    try {
      const remote = { type: 'image_url', image_url: { url: `http://127.0.0.1:${port}/frame.jpg` } };
      await assert.rejects(post(ask('slow 60000', remote), abort.signal, open), { name: 'AbortError' });
      await ended;
      const status = (await (await fetch(`${open.url}/v1/status`)).json()) as EngineStatus;
      assert.equal(status.cameras.openai, undefined);
    } finally {
      await open.close();
      pictures.close();
    }
  });

  it('fetches pictures by address only when that is allowed', async () => {
    const pictures = createServer((request, response) => {
      response.statusCode = request.url === '/frame.jpg' ? 200 : 404;
      response.end(request.url === '/frame.jpg' ? '12345' : 'a secret page');
    });
    await new Promise<void>((resolve) => pictures.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${(pictures.address() as AddressInfo).port}`;
    const open = await serveFake({ imageHosts: ['127.0.0.1'] });
    try {
      const at = (path: string) => ask('x', { type: 'image_url', image_url: { url: origin + path } });
      assert.match(await (await post(at('/frame.jpg'), undefined, open)).text(), /1 of 5 bytes/);
      const missing = await post(at('/none.jpg'), undefined, open);
      assert.equal(missing.status, 400);
      const words = await missing.text();
      assert.match(words, /cannot be fetched/);
      assert.equal(JSON.parse(words).error.param, 'messages[0].content[0].image_url.url');
      // The port may have these digits.
      assert.doesNotMatch(words.replaceAll(origin, ''), /404|secret page/);
    } finally {
      await open.close();
      pictures.close();
    }
  });
});
