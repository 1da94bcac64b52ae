import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { type ServedEngine, serveEngine } from '../../../src/server/serve-engine';
import { fewPatches, writeSmallCheckpoint } from '../../convert/small-checkpoint';
import { fuzz, fuzzTimeoutMs, mutatedJson, mutatedText } from '../../fuzz';
import { openaiRequests } from './openai-requests';

describe("requests of OpenAI's API, fuzzed", function () {
  this.timeout(fuzzTimeoutMs);
  let served: ServedEngine;
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'smolvlm-test-'));
    const model = join(folder, 'demo');
    await writeSmallCheckpoint(model, 1, fewPatches);
    served = await serveEngine({ tcp: { host: '127.0.0.1', port: 0 }, model, log: () => {} });
  });
  after(async () => {
    await served.close();
    await rm(folder, { recursive: true });
  });

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

  const sent = fc.constantFrom(...Object.entries(openaiRequests));

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
