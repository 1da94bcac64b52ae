import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'mocha';
import type { EngineEvent } from '../../src/protocol/events';
import { LiveTimelines } from '../../src/timeline/http/live-clients';
import { requestHeader } from '../../src/timeline/http/timeline-api';
import { timelineRoutes } from '../../src/timeline/http/timeline-routes';
import type { ServeTimeline } from '../timeline/http/served-timeline';
import { ContractTimeline, minute, noon, type Parsed, result } from './contract-timeline';

const jpeg = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3]);

/** What the captions page's API does on every server that has it. */
export function timelineHttpContract(name: string, serve: ServeTimeline): void {
  describe(`the captions page served by ${name}`, () => {
    const run = new ContractTimeline(serve);
    const { send, json, refusal, add } = run;
    const ours = { [requestHeader]: '1' };
    const askInit = (body: unknown): RequestInit => ({
      method: 'POST',
      headers: { ...ours, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

    it('answers no route with content unless the caller is authenticated', async () => {
      const id = await run.store.add(
        { camera: 'porch', text: 'A burglar, 7f3a.', timeMs: noon },
        { picture: jpeg, thumbnail: jpeg },
      );
      const routes = timelineRoutes({
        timelines: () => [],
        authentication: () => 'none',
        live: new LiveTimelines(),
      });
      for (const { method, path, access } of routes) {
        const address = path.replace(':timeline', 'home').replace(':entry', String(id));
        const init = method === 'POST' ? askInit({ question: 'Why?' }) : { method, headers: ours };
        const response = await fetch(new URL(address, run.served.url), init);
        const text = await response.text();
        assert.ok(!text.includes('7f3a'), path);
        if (access !== 'public') assert.equal(response.status, 401, `${method} ${path}`);
      }
      assert.equal((await run.store.entry(id))?.text, 'A burglar, 7f3a.');
    });

    it('shows a page that loads nothing from elsewhere and has no script in its text', async () => {
      const response = await send('');
      const html = await response.text();
      const policy = response.headers.get('content-security-policy') ?? '';
      assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self'/);
      assert.ok(!policy.includes('unsafe'));
      assert.doesNotMatch(html, /<script>|<style>| on\w+=|https?:/);
      for (const [, address = ''] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
        assert.equal((await send(address)).status, 200, address);
        assert.doesNotMatch(address, /^\//, 'addresses are relative');
      }
    });

    it('leads from the address without a slash to the page, wherever it is', async () => {
      const response = await send(run.served.url.slice(0, -1), { redirect: 'manual' });
      assert.equal(response.status, 302);
      assert.equal(
        new URL(response.headers.get('location') ?? '', run.served.url.slice(0, -1)).href,
        run.served.url,
      );
      assert.doesNotMatch(response.headers.get('location') ?? '', /^\/|^http/);
    });

    it('pages through the entries, the newest first', async () => {
      for (const index of [1, 2, 3]) await add(`number ${index}`, { timeMs: noon + index * minute });
      const first = await json('timelines/home/entries?limit=2');
      assert.deepEqual(
        first.entries.map(({ text }: Parsed) => text),
        ['number 3', 'number 2'],
      );
      const rest = await json(`timelines/home/entries?limit=2&before=${first.next}`);
      assert.deepEqual(
        rest.entries.map(({ text }: Parsed) => text),
        ['number 1'],
      );
      assert.equal(rest.next, undefined);
    });

    it('finds by text, camera, day, time and change', async () => {
      await add('A parcel.', { camera: 'door' });
      await add('A cat.', { changed: false });
      await add('Another parcel.', { timeMs: noon - 24 * 60 * minute });
      const texts = async (query: string): Promise<string[]> =>
        (await json(`timelines/home/entries?${query}`)).entries.map(({ text }: Parsed) => text);
      assert.deepEqual(await texts('text=parcel'), ['A parcel.', 'Another parcel.']);
      assert.deepEqual(await texts('camera=door'), ['A parcel.']);
      assert.deepEqual(await texts('day=2026-11-26'), ['Another parcel.']);
      assert.deepEqual(await texts(`from=${new Date(noon).toISOString()}`), ['A cat.', 'A parcel.']);
      assert.deepEqual(await texts(`to=${noon}`), ['Another parcel.']);
      assert.deepEqual(await texts('from=2026-11-26&to=2026-11-27'), ['Another parcel.']);
      assert.deepEqual(await texts('changed=true'), ['A parcel.', 'Another parcel.']);
      assert.deepEqual(await json('timelines/home/cameras'), [
        { camera: 'door', entries: 1 },
        { camera: 'porch', entries: 2 },
      ]);
      assert.deepEqual(
        (await json('timelines/home/days?camera=porch')).map(({ day, entries }: Parsed) => [day, entries]),
        [
          ['2026-11-27', 1],
          ['2026-11-26', 1],
        ],
      );
    });

    it('says what is wrong with a request', async () => {
      const id = await add('A cat.');
      const bad = [
        ...['limit=0', 'limit=201', 'limit=x', 'before=-1', 'before=1.5', 'day=27.11.2026', 'day=2026-02-30'],
        ...[
          'from=yesterday',
          'to=NaN',
          'changed=yes',
          'colour=red',
          'text=a&text=b',
          `text=${'a'.repeat(201)}`,
        ],
        'day=2026-11-27&from=0',
      ];
      for (const query of bad) {
        assert.deepEqual(await refusal(`timelines/home/entries?${query}`), [400, 'request-invalid'], query);
      }
      assert.deepEqual(await refusal('timelines/home/export?format=pdf'), [400, 'request-invalid']);
      assert.deepEqual(await refusal('timelines/home/entries/one'), [400, 'request-invalid']);
      assert.deepEqual(await refusal('timelines/home/entries/5'), [404, 'timeline-no-entry']);
      assert.deepEqual(await refusal(`timelines/home/entries/${id}/picture`), [404, 'timeline-no-picture']);
      assert.deepEqual(await refusal('timelines/office/entries'), [404, 'timeline-unknown']);
    });

    it('sends pictures for this user’s cache alone, and not again while they are the same', async () => {
      const id = await run.store.add({ camera: 'porch', text: 'A cat.' }, { picture: jpeg, thumbnail: jpeg });
      for (const kind of ['picture', 'thumbnail']) {
        const response = await send(`timelines/home/entries/${id}/${kind}`);
        assert.deepEqual(Buffer.from(await response.arrayBuffer()), jpeg);
        assert.equal(response.headers.get('content-type'), 'image/jpeg');
        assert.equal(response.headers.get('cache-control'), 'private, no-cache');
        assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
        const again = await send(`timelines/home/entries/${id}/${kind}`, {
          headers: { 'if-none-match': response.headers.get('etag') ?? '' },
        });
        assert.deepEqual([again.status, await again.text()], [304, '']);
      }
    });

    it('never shows what is not a picture as one', async () => {
      const id = await run.store.add(
        { camera: 'porch', text: 'A cat.' },
        { picture: Buffer.from('<svg onload="alert(1)">') },
      );
      const response = await send(`timelines/home/entries/${id}/picture`);
      assert.equal(response.headers.get('content-type'), 'application/octet-stream');
      assert.match(response.headers.get('content-security-policy') ?? '', /sandbox/);
    });

    it('deletes an entry, and tells the pages that are open', async () => {
      const id = await add('A cat.');
      const live = await openLive();
      const response = await send(`timelines/home/entries/${id}`, { method: 'DELETE', headers: ours });
      assert.equal(response.status, 204);
      assert.match(await live.next(), new RegExp(`event: removed\\ndata: \\["${id}"\\]`));
      await live.close();
      assert.equal(await run.store.entry(id), undefined);
      assert.deepEqual(await refusal(`timelines/home/entries/${id}`, { method: 'DELETE', headers: ours }), [
        404,
        'timeline-no-entry',
      ]);
    });

    it('changes nothing for a page of another site', async () => {
      const id = await add('A cat.');
      const foreign = [
        {},
        { ...ours, 'sec-fetch-site': 'cross-site' },
        { ...ours, 'sec-fetch-site': 'same-site' },
      ];
      for (const headers of foreign) {
        const path = `timelines/home/entries/${id}`;
        assert.deepEqual(await refusal(path, { method: 'DELETE', headers }), [403, 'request-foreign']);
        const { body = null } = askInit({ question: 'Why?' });
        const init = { method: 'POST', body, headers: { ...headers, 'content-type': 'application/json' } };
        assert.deepEqual(await refusal(`${path}/ask`, init), [403, 'request-foreign']);
      }
      assert.ok(await run.store.entry(id));
    });

    it('sends new entries as they come, and stops listening when the page is closed', async () => {
      const live = await openLive();
      assert.equal(run.store.listeners, 1);
      const id = await add('A cat\nwith two lines.');
      const message = await live.next();
      const [, data = ''] = /^event: entry\ndata: (.*)$/m.exec(message) ?? [];
      assert.deepEqual([JSON.parse(data).id, JSON.parse(data).text], [String(id), 'A cat\nwith two lines.']);
      await live.close();
      while (run.store.listeners > 0) await new Promise((resolve) => setImmediate(resolve));
    });

    it('asks the stored picture another question and keeps the answer', async () => {
      const id = await run.store.add({ camera: 'porch', text: 'A gate.' }, { picture: jpeg });
      const asked: unknown[] = [];
      run.ask = async (question, picture, { onEvent }) => {
        asked.push(question, Buffer.from(picture));
        onEvent({ type: 'queued', id: '', waiting: 1 });
        onEvent({ type: 'progress', id: '', phase: 'vision', done: 1, total: 2 });
        for (const text of ['It is', ' closed.'])
          onEvent({ type: 'token', id: '', text } satisfies EngineEvent);
        return result('It is closed.');
      };
      const response = await send(
        `timelines/home/entries/${id}/ask`,
        askInit({ question: ' Is the gate closed? ' }),
      );
      const lines = (await response.text())
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      assert.deepEqual(asked, ['Is the gate closed?', jpeg]);
      assert.deepEqual(lines.slice(0, 3), [
        { type: 'progress', phase: 'vision', done: 1, total: 2 },
        { type: 'token', text: 'It is' },
        { type: 'token', text: ' closed.' },
      ]);
      const answer = { question: 'Is the gate closed?', answer: 'It is closed.' };
      assert.deepEqual(
        [lines[3].type, lines[3].answer, lines[3].entry.answers],
        ['answer', answer, [answer]],
      );
      assert.deepEqual((await json(`timelines/home/entries/${id}`)).answers, [answer]);
    });

    it('cancels a question when the page is closed', async () => {
      const id = await run.store.add({ camera: 'porch', text: 'A gate.' }, { picture: jpeg });
      let cancelled = (): void => {};
      const isCancelled = new Promise<void>((resolve) => {
        cancelled = resolve;
      });
      run.ask = async (_question, _picture, { signal }) => {
        await once(signal, 'abort');
        cancelled();
        return { type: 'dropped', id: '', reason: 'cancelled', message: 'cancelled' };
      };
      const leave = new AbortController();
      const init = { ...askInit({ question: 'Why?' }), signal: leave.signal };
      await send(`timelines/home/entries/${id}/ask`, init);
      leave.abort();
      await isCancelled;
      assert.equal((await run.store.entry(id))?.answers, undefined);
    });

    it('says why there is no answer', async () => {
      const bare = await add('No picture.');
      const id = await run.store.add({ camera: 'porch', text: 'A gate.' }, { picture: jpeg });
      const path = `timelines/home/entries/${id}/ask`;
      for (const body of [{}, { question: '' }, { question: 5 }, { question: 'a'.repeat(1001) }, []]) {
        assert.deepEqual(await refusal(path, askInit(body)), [400, 'request-invalid']);
      }
      assert.deepEqual(await refusal(`timelines/home/entries/${bare}/ask`, askInit({ question: 'Why?' })), [
        404,
        'timeline-no-picture',
      ]);
      run.ask = async () => ({
        type: 'error',
        id: '',
        error: { code: 'engine-unreachable', message: 'no answer' },
      });
      const response = await send(path, askInit({ question: 'Why?' }));
      assert.deepEqual(JSON.parse(await response.text()), {
        type: 'error',
        error: { code: 'engine-unreachable', message: 'no answer' },
      });
    });

    async function openLive(): Promise<{ next(): Promise<string>; close(): Promise<void> }> {
      const response = await send('timelines/home/live');
      assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
      const reader = response.body?.getReader() ?? assert.fail('no body');
      const decoder = new TextDecoder();
      let text = '';
      const next = async (): Promise<string> => {
        while (!text.includes('\n\n')) text += decoder.decode((await reader.read()).value, { stream: true });
        const [message = '', ...rest] = text.split('\n\n');
        text = rest.join('\n\n');
        return message;
      };
      assert.equal(await next(), ': live');
      return { next, close: () => reader.cancel() };
    }
  });
}
