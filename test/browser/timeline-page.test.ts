import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { BrowserContextOptions, Page } from 'playwright-core';
import type { Timeline } from '../../src/timeline/http/timeline';
import { demoFrame } from '../fixtures';
import { type ServedTimeline, serveByEngine, token } from '../timeline/http/served-timeline';
import { MemoryTimeline } from '../timeline/memory-timeline';
import { accessibilityFaults } from './axe';
import { hasChromium, openBrowser } from './editor';

const minute = 60_000;
const cameras = ['driveway', 'porch'];
const texts = ['A black cat sits on the left of the driveway.', 'A man carries a brown parcel.', 'Empty.'];

describe('the captions page in a browser (needs Chromium)', function () {
  this.timeout(60_000);
  let store: MemoryTimeline;
  let served: ServedTimeline;
  let page: Page;
  let faults: string[];
  let ask: NonNullable<Timeline['ask']>;
  const entries: number[] = [];
  const picture = demoFrame('frame_01_driveway_day.jpg');

  before(async function () {
    if (!hasChromium) this.skip();
    const bytes = await readFile(picture);
    store = new MemoryTimeline();
    for (let index = 0; index < 120; index++) {
      const text = `${texts[index % 3]} (${index})`;
      const camera = cameras[index % 2] ?? '';
      const timeMs = Date.now() - index * 30 * minute;
      const answers = index === 0 ? { answers: { 'Is a person visible?': false } } : {};
      const entry = { camera, text, timeMs, changed: index % 4 === 0, ...answers };
      entries.push(await store.add(entry, { thumbnail: bytes, picture: bytes }));
    }
    served = await serveByEngine({
      id: 'home',
      name: 'Home',
      store,
      ask: (question, stored, options) => ask(question, stored, options),
    });
  });
  after(() => served?.close());
  afterEach(async () => {
    await page.context().close();
    assert.deepEqual(faults, []);
  });

  /** A page that is logged in. */
  async function open(options: BrowserContextOptions = {}, hash = ''): Promise<void> {
    const viewport = { width: 1280, height: 800 };
    // axe's script is not the page's own.
    const context = await (await openBrowser()).newContext({
      viewport,
      locale: 'en-US',
      bypassCSP: true,
      ...options,
    });
    const key = `smolvlm-timeline${new URL(served.url).pathname.replaceAll('/', '-')}token`;
    // Not in the empty document that a page begins with.
    await context.addInitScript(
      `if (location.protocol === 'http:') localStorage.setItem(${JSON.stringify(key)}, ${JSON.stringify(token)})`,
    );
    page = await context.newPage();
    faults = [];
    page.on('pageerror', ({ message }) => faults.push(message));
    await page.goto(`${served.url}${hash}`);
    // On a phone an open entry hides them.
    await page.locator('li[data-entry]').first().waitFor({ state: 'attached' });
  }
  const phone = { viewport: { width: 390, height: 844 } };
  const rows = () => page.locator('li[data-entry]');
  const openEntry = (id: number) => page.locator(`li[data-entry="${id}"] a`).click();

  for (const width of [390, 1280]) {
    for (const colorScheme of ['light', 'dark'] as const) {
      it(`has no fault that axe finds, at ${width} px in the ${colorScheme} theme`, async () => {
        await open({ viewport: { width, height: 800 }, colorScheme });
        const colour = await page.evaluate('getComputedStyle(document.body).backgroundColor');
        assert.equal(colour, colorScheme === 'dark' ? 'rgb(20, 23, 26)' : 'rgb(246, 247, 248)');
        assert.deepEqual(await accessibilityFaults(page), []);
        await rows().first().locator('a').click();
        await page.locator('.entry .answers dd').waitFor();
        assert.deepEqual(await accessibilityFaults(page), []);
        await page.locator('.entry .danger').click();
        await page.locator('dialog').waitFor();
        assert.deepEqual(await accessibilityFaults(page), []);
        await page.keyboard.press('Escape');
        if (width < 840) await page.locator('.entry-bar button').first().click();
        await page.locator('.bar > .icon-button').click();
        await page.locator('dialog select').first().waitFor();
        assert.deepEqual(await accessibilityFaults(page), []);
      });
    }
  }

  for (const language of ['en-US', 'de-DE', 'fr-FR', 'zh-CN']) {
    it(`fits a phone in ${language}, with targets of 44 px`, async () => {
      await open({ ...phone, locale: language });
      const check = async (): Promise<void> => {
        assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 390);
        const small = await page.evaluate(`[...document.querySelectorAll('button, select, input, li a')]
          .filter((each) => each.checkVisibility({ visibilityProperty: true }))
          .map((each) => [each.outerHTML.slice(0, 80), each.getBoundingClientRect()])
          .filter(([, box]) => box.height < 44 || box.width < 44).map(([html]) => html)`);
        assert.deepEqual(small, []);
      };
      await check();
      assert.equal(await page.evaluate('document.documentElement.lang'), language.replace(/-(DE|FR)/, ''));
      await rows().first().locator('a').click();
      await page.locator('.entry').waitFor();
      await check();
    });
  }

  it('loads more when one scrolls, and shows each entry once', async () => {
    await open();
    assert.equal(await rows().count(), 50);
    while ((await rows().count()) < 120) await page.mouse.wheel(0, 3000);
    const ids = await rows().evaluateAll((items) => items.map((item) => item.dataset.entry));
    assert.equal(new Set(ids).size, 120);
    assert.ok((await page.locator('.days section').count()) >= 3);
  });

  it('requests one page of entries and what is near the screen, however many entries there are', async () => {
    await open();
    await page.locator('.thumbnail img[src]').nth(5).waitFor();
    const requested = (await page.evaluate(
      `performance.getEntriesByType('resource').map(({ name }) => name)`,
    )) as string[];
    const of = (path: RegExp): number => requested.filter((name) => path.test(name)).length;
    assert.equal(of(/\/entries\?/), 1, requested.join(' '));
    assert.ok(of(/\/thumbnail$/) < 30);
    assert.ok(requested.length < 45, `${requested.length} requests`);
    assert.equal(await rows().count(), 50);
  });

  it('loads thumbnails near the screen only, and nothing moves when they arrive', async () => {
    const asked: string[] = [];
    await open();
    await page.evaluate(`new PerformanceObserver((list) => { for (const entry of list.getEntries())
      window.shift = (window.shift ?? 0) + entry.value; }).observe({ type: 'layout-shift', buffered: true })`);
    page.on('request', (request) => request.url().endsWith('/thumbnail') && asked.push(request.url()));
    await page.reload();
    await page.locator('.thumbnail img[src]').nth(5).waitFor();
    assert.ok(asked.length < 30, `${asked.length} thumbnails`);
    assert.equal(await page.evaluate('window.shift ?? 0'), 0);
  });

  it('finds by text, camera, day and change, and keeps the choice in the address', async () => {
    await open();
    await page.fill('#search', 'parcel');
    await page.locator('li[data-entry]', { hasText: 'cat' }).first().waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'porch' }).click();
    await page.getByRole('button', { name: 'Only what changed' }).click();
    await page.waitForFunction(`document.querySelectorAll('li[data-entry]').length === 0
      && document.querySelector('.notice')`);
    await page.getByRole('button', { name: 'driveway' }).click();
    await page.waitForFunction(`document.querySelectorAll('li[data-entry]').length === 10`);
    assert.match(page.url(), /#text=parcel&camera=driveway&changed=true$/);
    await page.reload();
    await page.waitForFunction(`document.querySelectorAll('li[data-entry]').length === 10`);
    assert.equal(await page.inputValue('#search'), 'parcel');
    await page.fill('#search', 'zebra');
    await page.getByRole('button', { name: 'Show everything' }).click();
    await page.waitForFunction(`document.querySelectorAll('li[data-entry]').length === 50`);
    const days = page.getByLabel('Day', { exact: true });
    const day = (await days.locator('option').nth(1).getAttribute('value')) ?? '';
    await days.selectOption(day);
    await page.waitForFunction(`document.querySelectorAll('.days section').length === 1
      && !document.querySelector('.skeleton')`);
    assert.equal(await page.locator('.days section').getAttribute('data-day'), day);
  });

  it('shows a new entry at once at the top, and announces it to somebody who has scrolled', async () => {
    await open();
    const id = await store.add({ camera: 'porch', text: 'A fox.', timeMs: Date.now() + minute });
    await page.locator(`li[data-entry="${id}"]`).waitFor();
    assert.equal(await rows().first().getAttribute('data-entry'), String(id));
    await page.mouse.wheel(0, 2000);
    await page.waitForFunction('scrollY > 500');
    const before = await page.evaluate('scrollY');
    const later = await store.add({ camera: 'porch', text: 'A hare.', timeMs: Date.now() + 2 * minute });
    const news = page.getByRole('button', { name: 'New captions: 1' });
    await news.waitFor();
    assert.equal(await page.evaluate('scrollY'), before);
    await news.click();
    await page.locator(`li[data-entry="${later}"]`).waitFor();
    await store.remove([id, later]);
  });

  it('shows captions as text, whatever they contain', async () => {
    const text = '<img src=x onerror="window.broken = true"><b>bold</b>';
    const id = await store.add({ camera: '<i>x</i>', text, prompt: text, answers: { [text]: text } });
    await open();
    await openEntry(id);
    assert.equal(await page.locator('.entry .caption').textContent(), text);
    assert.equal(await page.locator('.entry dd').textContent(), text);
    assert.equal(await page.evaluate('window.broken'), undefined);
    await store.remove([id]);
  });

  it('shows a JSON answer as its fields', async () => {
    const text = '{"people": 2, "parcel": true, "colours": ["red", "blue"]}';
    const id = await store.add({ camera: 'porch', text, answers: { people: 2 } });
    await open();
    const line = await page.locator(`li[data-entry="${id}"] .row-text`).textContent();
    assert.equal(line, 'people: 2 · parcel: yes · colours: red, blue');
    await openEntry(id);
    const answers = page.locator('.entry .answers');
    await answers.waitFor();
    assert.deepEqual(await answers.locator('dt').allTextContents(), ['parcel', 'colours', 'people']);
    assert.deepEqual(await answers.locator('dd').allTextContents(), ['yes', 'red, blue', '2']);
    assert.equal(await page.locator('.entry .caption').count(), 0);
    assert.deepEqual(await accessibilityFaults(page), []);
    await store.remove([id]);
  });

  it('asks the stored picture another question, shows the answer as it is written, and keeps it', async () => {
    let finish = (): void => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    ask = async (question, stored, { onEvent }) => {
      assert.equal(question, 'Is the gate closed?');
      assert.deepEqual(Buffer.from(stored), await readFile(picture));
      onEvent({ type: 'token', id: '', text: 'Yes, ' });
      await finished;
      return { type: 'result', id: '', result: { text: 'Yes, it is.' } } as never;
    };
    await open(phone);
    await openEntry(entries[1] ?? 0);
    await page.fill('#question', 'Is the gate closed?');
    await page.keyboard.press('Enter');
    await page.locator('.answer', { hasText: 'Yes,' }).waitFor();
    finish();
    await page.locator('.answers dd', { hasText: 'Yes, it is.' }).waitFor();
    assert.equal(await page.locator('.answers dt').textContent(), 'Is the gate closed?');
    assert.deepEqual((await store.entry(entries[1] ?? 0))?.answers, { 'Is the gate closed?': 'Yes, it is.' });
  });

  it('cancels a question by its button, and by closing the entry', async () => {
    let cancelled = 0;
    ask = (_question, _stored, { signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          cancelled++;
          resolve({ type: 'dropped', id: '', reason: 'cancelled', message: 'cancelled' });
        });
      });
    await open();
    await openEntry(entries[2] ?? 0);
    for (const leave of [
      () => page.getByRole('button', { name: 'Cancel' }).click(),
      () => page.keyboard.press('Escape'),
    ]) {
      const before = cancelled;
      await page.fill('#question', 'Why?');
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: 'Cancel' }).waitFor();
      await leave();
      await page.locator('.answer', { hasText: 'Cancelled.' }).waitFor();
      while (cancelled === before) await page.waitForTimeout(10);
    }
  });

  it('deletes an entry after it was confirmed, in every window', async () => {
    const id = await store.add({ camera: 'porch', text: 'To be deleted.' });
    await open();
    const other = await page.context().newPage();
    await other.goto(served.url);
    await other.locator(`li[data-entry="${id}"]`).waitFor();
    await openEntry(id);
    await page.locator('.entry').getByRole('button', { name: 'Delete' }).click();
    await page.locator('dialog').getByRole('button', { name: 'Cancel' }).click();
    assert.ok(await store.entry(id));
    await page.locator('.entry').getByRole('button', { name: 'Delete' }).click();
    await page.locator('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.locator(`li[data-entry="${id}"]`).waitFor({ state: 'detached' });
    await other.locator(`li[data-entry="${id}"]`).waitFor({ state: 'detached' });
    assert.equal(await store.entry(id), undefined);
  });

  it('is used by keyboard alone', async () => {
    await open();
    const current = () =>
      page.evaluate(`document.activeElement.closest('li')?.dataset.entry`) as Promise<string | undefined>;
    const [first, second] = entries.map(String);
    await page.keyboard.press('j');
    assert.equal(await current(), first);
    await page.keyboard.press('j');
    assert.equal(await current(), second);
    await page.keyboard.press('k');
    await page.keyboard.press('Enter');
    await page.locator('.entry .caption', { hasText: '(0)' }).waitFor();
    await page.keyboard.press('ArrowRight');
    await page.locator('.entry .caption', { hasText: '(1)' }).waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.entry').waitFor({ state: 'detached' });
    assert.equal(await current(), second);
    await page.keyboard.press('/');
    assert.equal(await page.evaluate('document.activeElement.id'), 'search');
    await page.keyboard.type('jk/?');
    assert.equal(await page.inputValue('#search'), 'jk/?');
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    await page.locator('dialog kbd').first().waitFor();
  });

  it('goes back to the list with the browser’s own button, and opens an entry by its address', async () => {
    await open(phone, `#entry=${entries[3]}`);
    await page.locator('.entry .caption', { hasText: '(3)' }).waitFor();
    await page.locator('.entry-bar button').first().click();
    await openEntry(entries[0] ?? 0);
    await page.locator('.entry').waitFor();
    await page.goBack();
    await page.locator('.entry').waitFor({ state: 'detached' });
    assert.ok(await rows().first().isVisible());
  });

  for (const [format, label, beginning] of [
    ['json', 'JSON, for programs', '['],
    ['csv', 'CSV, for spreadsheets', '\uFEFFid,time,camera'],
    ['ics', 'ICS, for calendars', 'BEGIN:VCALENDAR'],
  ] as const) {
    it(`saves what is found as ${format.toUpperCase()}`, async () => {
      await open({ acceptDownloads: true }, '#camera=porch');
      await page.locator('.bar > .icon-button').click();
      await page.getByRole('button', { name: 'Export' }).click();
      const download = page.waitForEvent('download');
      await page.getByRole('button', { name: label }).click();
      const file = await download;
      assert.equal(file.suggestedFilename(), `captions.${format}`);
      const text = await readFile(await file.path(), 'utf8');
      assert.ok(text.startsWith(beginning));
      assert.ok(text.includes('porch') && !text.includes('(0)'));
    });
  }

  it('shows a timeline that is deployed after the page has opened', async () => {
    await open();
    await page.route('**/timelines', (route) => route.fulfill({ json: [] }), { times: 1 });
    await page.reload();
    await rows().first().waitFor();
  });

  it('names a calendar to subscribe to, with what is searched for', async () => {
    await open({}, '#camera=porch');
    await page.locator('.bar > .icon-button').click();
    await page.getByRole('button', { name: 'Export' }).click();
    const address = (await page.locator('.calendar-address').getAttribute('href')) ?? '';
    assert.match(address, /^http:.*\/calendar\.ics\?camera=porch$/);
    // Calendar programs send a name and a password: any name, and the engine's token.
    const authorization = `Basic ${Buffer.from(`calendar:${token}`).toString('base64')}`;
    const answer = await fetch(address, { headers: { authorization } });
    assert.match(answer.headers.get('content-type') ?? '', /^text\/calendar/);
    assert.match(await answer.text(), /^BEGIN:VCALENDAR/);
  });

  it('keeps its theme and language', async () => {
    await open({ colorScheme: 'light' });
    await page.locator('.bar > .icon-button').click();
    await page.getByLabel('Appearance').selectOption('dark');
    assert.equal(await page.evaluate('document.documentElement.dataset.theme'), 'dark');
    await page.getByLabel('Language').selectOption('de');
    await page.getByRole('heading', { name: 'Bildbeschreibungen' }).waitFor();
    assert.equal(await page.evaluate('document.documentElement.dataset.theme'), 'dark');
  });

  it('says that the connection is lost, and shows what was missed when it is back', async () => {
    await open();
    await page.locator('.live[data-state="live"]').waitFor();
    const port = new URL(served.url).port;
    await page.route('**/live', (route) => route.abort());
    await page.reload();
    await page.locator('.live[data-state="offline"]').waitFor();
    const id = await store.add({ camera: 'porch', text: 'While away.', timeMs: Date.now() + 3 * minute });
    await page.unroute('**/live');
    await page.evaluate(`dispatchEvent(new Event('online'))`);
    await page.locator('.live[data-state="live"]').waitFor();
    await page.locator(`li[data-entry="${id}"]`).waitFor();
    assert.equal(new URL(page.url()).port, port);
    await store.remove([id]);
    faults = faults.filter((fault) => !fault.includes('Failed to fetch'));
  });

  it('asks for the token, and refuses a wrong one', async () => {
    const context = await (await openBrowser()).newContext({ locale: 'en-US' });
    page = await context.newPage();
    faults = [];
    await page.goto(served.url);
    await page.getByLabel('Token').fill('a-wrong-token-0123456789');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('alert').filter({ hasText: 'not allowed' }).waitFor();
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.locator('li[data-entry]').first().waitFor();
  });
});
