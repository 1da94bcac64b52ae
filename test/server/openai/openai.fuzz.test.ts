import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type ServedEngine, serveEngine } from '../../../src/server/serve-engine';
import { demoModel } from '../../fixtures';
import { fuzz, fuzzTimeoutMs, mutatedJson, mutatedText } from '../../fuzz';

const image = {
  type: 'image_url',
  image_url: { url: `data:image/png;base64,${btoa('picture')}`, detail: 'low' },
};
const schema = {
  type: 'object',
  properties: {
    a: { type: 'string', pattern: '^[a-c]{2}$', maxLength: 5 },
    b: { anyOf: [{ $ref: '#/$defs/c' }, { type: 'null' }] },
  },
  required: ['a'],
  $defs: { c: { type: 'number', minimum: 0, exclusiveMaximum: 2.5 } },
};
const sampling = {
  temperature: 0.5,
  top_p: 1,
  top_k: 5,
  seed: -1,
  presence_penalty: 0.1,
  frequency_penalty: 0.1,
  logit_bias: { 100: 5 },
  user: 'u',
};
const chat = {
  model: 'demo',
  messages: [
    { role: 'system', content: 'You are a camera.' },
    { role: 'user', content: [{ type: 'text', text: 'what is it' }] },
    { role: 'assistant', content: null },
    { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
  ],
  max_tokens: 3,
  n: 1,
  logprobs: true,
  top_logprobs: 2,
  stream: false,
  tools: [],
  stop: ['.'],
  ...sampling,
};
const requests: Readonly<Record<string, object>> = {
  '/v1/chat/completions': chat,
  '/chat/completions': {
    ...chat,
    messages: [{ role: 'user', content: [image, { type: 'text', text: 'what is it' }] }],
    response_format: { type: 'json_schema', json_schema: { name: 'a', strict: true, schema } },
    max_tokens: 40,
    stop: null,
    stream: true,
  },
  '/v1/completions': {
    model: null,
    prompt: 'I believe',
    max_tokens: 3,
    logprobs: 2,
    echo: false,
    ...sampling,
  },
  '/v1/responses': {
    input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hi' }] }],
    instructions: 'Be brief.',
    max_output_tokens: 40,
    text: { format: { type: 'json_schema', name: 'a', schema } },
    store: false,
    stream: false,
    ...sampling,
  },
};

describe("requests of OpenAI's API to the demo model, fuzzed", function () {
  this.timeout(fuzzTimeoutMs);
  let served: ServedEngine;
  before(async () => {
    served = await serveEngine({ tcp: { host: '127.0.0.1', port: 0 }, model: demoModel, log: () => {} });
  });
  after(() => served.close());

  /** Every answer is a success that ends, or a refusal in OpenAI's form; never a server error, never silence. */
  async function post(path: string, body: string): Promise<void> {
    const response = await fetch(`${served.url}${path}`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
      signal: AbortSignal.timeout(60_000),
    });
    const text = await response.text();
    if (response.status === 200) {
      assert.doesNotMatch(text, /server_error/);
      return;
    }
    assert.ok(response.status < 500, `${response.status} ${text} to ${body}`);
    const { error } = JSON.parse(text) as { error: { code: string; message: string; type: string } };
    assert.equal(error.type, 'invalid_request_error', text);
    assert.ok(error.code !== 'internal' && error.message.length > 5, text);
  }

  const sent = fc.constantFrom(...Object.entries(requests));

  it('with any value in any place, are answered or refused by name', async () => {
    const mutated = sent.chain(([path, request]) =>
      mutatedJson(request).map((json) => ({ path, body: JSON.stringify(json) ?? 'null' })),
    );
    await fuzz(fc.asyncProperty(mutated, ({ path, body }) => post(path, body)));
  });

  it('with damaged text, are answered or refused by name', async () => {
    const mutated = sent.chain(([path, request]) =>
      mutatedText(JSON.stringify(request)).map((body) => ({ path, body })),
    );
    await fuzz(fc.asyncProperty(mutated, ({ path, body }) => post(path, body)));
  });
});
