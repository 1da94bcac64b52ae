import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { token } from '../../timeline/http/served-timeline';
import { suiteCaptionsPage } from './captions-page';

describe('what the captions page exports in a browser (needs Chromium)', function () {
  this.timeout(180_000);
  const shown = suiteCaptionsPage();

  for (const [format, label, beginning] of [
    ['json', 'JSON, for programs', '['],
    ['csv', 'CSV, for spreadsheets', '\uFEFFid,time,camera'],
    ['ics', 'ICS, for calendars', 'BEGIN:VCALENDAR'],
  ] as const) {
    it(`saves what is found as ${format.toUpperCase()}`, async () => {
      await shown.open({ acceptDownloads: true }, '#camera=porch');
      await shown.page.locator('.bar > .icon-button').click();
      await shown.page.getByRole('button', { name: 'Export' }).click();
      const download = shown.page.waitForEvent('download');
      await shown.page.getByRole('button', { name: label }).click();
      const file = await download;
      assert.equal(file.suggestedFilename(), `captions.${format}`);
      const text = await readFile(await file.path(), 'utf8');
      assert.ok(text.startsWith(beginning));
      assert.ok(text.includes('porch') && !text.includes('(0)'));
    });
  }

  it('names a calendar to subscribe to, with what is searched for', async () => {
    await shown.open({}, '#camera=porch');
    await shown.page.locator('.bar > .icon-button').click();
    await shown.page.getByRole('button', { name: 'Export' }).click();
    const address = (await shown.page.locator('.calendar-address').getAttribute('href')) ?? '';
    assert.match(address, /^http:.*\/calendar\.ics\?camera=porch$/);
    // Calendar programs send a name and a password: any name, and the engine's token.
    const authorization = `Basic ${Buffer.from(`calendar:${token}`).toString('base64')}`;
    const answer = await fetch(address, { headers: { authorization } });
    assert.match(answer.headers.get('content-type') ?? '', /^text\/calendar/);
    assert.match(await answer.text(), /^BEGIN:VCALENDAR/);
  });
});
