import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { maxCalendarEntries } from '../../src/timeline/http/calendar-feed';
import type { ServeTimeline } from '../timeline/http/served-timeline';
import { ContractTimeline, minute, noon, type Parsed } from './contract-timeline';

const loadIcal = async () => (await import('ical.js')).default;

/** The files that every server of the captions page sends: exports and the calendar. */
export function timelineFilesContract(name: string, serve: ServeTimeline): void {
  describe(`the files of the captions page served by ${name}`, () => {
    let ICAL: Awaited<ReturnType<typeof loadIcal>>;
    before(async () => {
      ICAL = await loadIcal();
    });
    const run = new ContractTimeline(serve);
    const { send, json, refusal, add } = run;

    it('exports what a filter finds, as a file', async () => {
      for (let index = 0; index < 1200; index++) await add(`number ${index}`, { timeMs: noon + index });
      await add('elsewhere', { camera: 'street' });
      const response = await send('timelines/home/export?format=json&camera=porch');
      assert.match(response.headers.get('content-disposition') ?? '', /attachment; filename="captions.json"/);
      const entries = (await response.json()) as Parsed;
      assert.equal(entries.length, 1200);
      assert.deepEqual([entries[0].text, entries.at(-1).text], ['number 1199', 'number 0']);
      const csv = await (await send('timelines/home/export?format=csv')).text();
      assert.equal(csv.trim().split('\r\n').length, 1202);
      const empty = await json('timelines/home/export?format=json&camera=cellar');
      assert.deepEqual(empty, []);
    });

    it('has a calendar to subscribe to, of the newest entries of some days', async () => {
      const now = Date.now();
      const recent = { timeMs: now - minute };
      await add('A parcel.', { ...recent, camera: 'door' });
      await add('A cat.', { ...recent, changed: false });
      await add('Last month.', { timeMs: now - 30 * 24 * 60 * minute });
      const events = async (query: string): Promise<string[]> => {
        const response = await send(`calendar.ics${query}`);
        assert.equal(response.headers.get('content-type'), 'text/calendar; charset=utf-8');
        const calendar = new ICAL.Component(ICAL.parse(await response.text()));
        assert.equal(calendar.getFirstPropertyValue('x-wr-calname'), 'Home');
        assert.equal(String(calendar.getFirstPropertyValue('refresh-interval')), 'PT15M');
        return calendar.getAllSubcomponents('vevent').map((event) => new ICAL.Event(event).summary);
      };
      assert.deepEqual(await events(''), ['porch: A cat.', 'door: A parcel.']);
      assert.deepEqual(await events('?timeline=home&camera=door&days=1'), ['door: A parcel.']);
      assert.deepEqual(await events('?days=40&changed=true'), ['door: A parcel.', 'porch: Last month.']);
      assert.deepEqual(await events('?text=parcel'), ['door: A parcel.']);
      assert.deepEqual(await refusal('calendar.ics?days=0'), [400, 'request-invalid']);
      assert.deepEqual(await refusal('calendar.ics?from=0'), [400, 'request-invalid']);
      assert.deepEqual(await refusal('calendar.ics?timeline=office'), [404, 'timeline-unknown']);
      for (let index = 0; index < maxCalendarEntries; index++) await add(`number ${index}`, recent);
      const newest = await events('');
      assert.deepEqual(
        [newest.length, newest[0], newest.at(-1)],
        [maxCalendarEntries, `porch: number ${maxCalendarEntries - 1}`, 'porch: number 0'],
      );
    });

    it('does not send the calendar again while it is the same', async () => {
      const timeMs = Date.now() - minute;
      const id = await add('A cat.', { timeMs });
      const etag = (await send('calendar.ics')).headers.get('etag') ?? assert.fail('no etag');
      const again = () => send('calendar.ics', { headers: { 'if-none-match': etag } });
      const same = await again();
      assert.deepEqual([same.status, await same.text()], [304, '']);
      await run.store.addAnswer(id, 'Which colour?', 'black');
      assert.match(await (await again()).text(), /Which colour\? black/);
    });
  });
}
