import assert from 'node:assert/strict';
import type { ServedEngine } from '../../../src/server/serve-engine';
import { requestHeader } from '../../../src/timeline/http/timeline-api';
import { MemoryTimeline } from '../../timeline/memory-timeline';
import { serveFake } from '../served-fake';

describe('the captions page of an engine', () => {
  const token = 'sixteen-characters-or-more';
  const timeline = new MemoryTimeline();
  let served: ServedEngine;
  let entry: number;
  before(async () => {
    served = await serveFake({ timeline, tcp: { host: '127.0.0.1', port: 0, token } });
    entry = await timeline.add({ camera: 'porch', text: 'A gate.' }, { picture: Buffer.from('a picture') });
  });
  after(() => served.close());

  const ask = (question: string, signal?: AbortSignal): Promise<Response> =>
    fetch(`${served.url}/timeline/timelines/engine/entries/${entry}/ask`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        [requestHeader]: '1',
      },
      body: JSON.stringify({ question }),
      ...(signal && { signal }),
    });
  const status = async () => {
    const response = await fetch(`${served.url}/v1/status`, {
      headers: { authorization: `Bearer ${token}` },
    });
    return (await response.json()) as { readonly cameras: Record<string, { readonly running: number }> };
  };

  it('is there without the token, and its content with it', async () => {
    assert.equal((await fetch(`${served.url}/timeline/`)).status, 200);
    const address = `${served.url}/timeline/timelines`;
    assert.equal((await fetch(address)).status, 401);
    const response = await fetch(address, { headers: { authorization: `Bearer ${token}` } });
    assert.deepEqual(await response.json(), [{ id: 'engine', name: '', mayAsk: true }]);
  });

  it('answers a question about a stored picture, token by token', async () => {
    const lines = (await (await ask('what')).text()).split('\n').filter((line) => line !== '');
    const parsed = lines.map((line) => JSON.parse(line));
    const tokens = parsed.filter(({ type }) => type === 'token').map(({ text }) => text);
    assert.equal(tokens.join(''), '1 of 9 bytes: what');
    assert.deepEqual(parsed.at(-1).answer, { question: 'what', answer: '1 of 9 bytes: what' });
  });

  it('says what the engine could not do', async () => {
    const lines = (await (await ask('fail')).text()).trim().split('\n');
    assert.equal(JSON.parse(lines.at(-1) ?? '').type, 'error');
  });

  it('frees the engine when the page is closed before the answer', async () => {
    const leave = new AbortController();
    const response = await ask('slow 60000', leave.signal);
    await response.body?.getReader().read();
    leave.abort();
    while ((await status()).cameras.timeline?.running !== 0) await new Promise(setImmediate);
  });
});
