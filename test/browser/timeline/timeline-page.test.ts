import assert from 'node:assert/strict';
import { token } from '../../timeline/http/served-timeline';
import { accessibilityFaults } from '../axe';
import { minute, phone, suiteCaptionsPage } from './captions-page';

describe('the captions page in a browser (needs Chromium)', function () {
  this.timeout(180_000);
  const shown = suiteCaptionsPage();

  for (const width of [390, 1280]) {
    for (const colorScheme of ['light', 'dark'] as const) {
      it(`has no fault that axe finds, at ${width} px in the ${colorScheme} theme`, async () => {
        await shown.open({ viewport: { width, height: 800 }, colorScheme });
        const colour = await shown.page.evaluate('getComputedStyle(document.body).backgroundColor');
        assert.equal(colour, colorScheme === 'dark' ? 'rgb(20, 23, 26)' : 'rgb(246, 247, 248)');
        assert.deepEqual(await accessibilityFaults(shown.page), []);
        await shown.rows().first().locator('a').click();
        await shown.page.locator('.entry .answers dd').waitFor();
        assert.deepEqual(await accessibilityFaults(shown.page), []);
        await shown.page.locator('.entry .danger').click();
        await shown.page.locator('dialog').waitFor();
        assert.deepEqual(await accessibilityFaults(shown.page), []);
        await shown.page.keyboard.press('Escape');
        if (width < 840) await shown.page.locator('.entry-bar button').first().click();
        await shown.page.locator('.bar > .icon-button').click();
        await shown.page.locator('dialog select').first().waitFor();
        assert.deepEqual(await accessibilityFaults(shown.page), []);
      });
    }
  }

  for (const language of ['en-US', 'de-DE', 'fr-FR', 'zh-CN']) {
    it(`fits a phone in ${language}, with targets of 44 px`, async () => {
      await shown.open({ ...phone, locale: language });
      const check = async (): Promise<void> => {
        assert.equal(await shown.page.evaluate('document.documentElement.scrollWidth'), 390);
        const small = await shown.page.evaluate(`[...document.querySelectorAll('button, select, input, li a')]
          .filter((each) => each.checkVisibility({ visibilityProperty: true }))
          .map((each) => [each.outerHTML.slice(0, 80), each.getBoundingClientRect()])
          .filter(([, box]) => box.height < 44 || box.width < 44).map(([html]) => html)`);
        assert.deepEqual(small, []);
      };
      await check();
      const day = shown.page.locator('.filter-row select');
      await day.selectOption({ index: 1 });
      // As wide as the chosen day is without a limit.
      const [wanted, given] = await day.evaluate((select: HTMLSelectElement) => {
        const free = select.cloneNode(false) as HTMLSelectElement;
        free.append(select.selectedOptions[0]?.cloneNode(true) ?? '');
        free.style.cssText = 'position: absolute; max-width: none';
        select.after(free);
        const width = free.getBoundingClientRect().width;
        free.remove();
        return [width, select.getBoundingClientRect().width];
      });
      assert.ok(given >= wanted, `the day has ${given} px of ${wanted}`);
      await day.selectOption({ index: 0 });
      assert.equal(
        await shown.page.evaluate('document.documentElement.lang'),
        language.replace(/-(DE|FR)/, ''),
      );
      await shown.rows().first().locator('a').click();
      await shown.page.locator('.entry').waitFor();
      await check();
    });
  }

  it('loads more when one scrolls, and shows each entry once', async () => {
    await shown.open();
    assert.equal(await shown.rows().count(), 50);
    while ((await shown.rows().count()) < 120) await shown.page.mouse.wheel(0, 3000);
    const ids = await shown.rows().evaluateAll((items) => items.map((item) => item.dataset.entry));
    assert.equal(new Set(ids).size, 120);
    assert.ok((await shown.page.locator('.days section').count()) >= 3);
  });

  it('requests one page of entries and what is near the screen, however many entries there are', async () => {
    await shown.open();
    await shown.page.locator('.thumbnail img[src]').nth(5).waitFor();
    const requested = (await shown.page.evaluate(
      `performance.getEntriesByType('resource').map(({ name }) => name)`,
    )) as string[];
    const of = (path: RegExp): number => requested.filter((name) => path.test(name)).length;
    assert.equal(of(/\/entries\?/), 1, requested.join(' '));
    assert.ok(of(/\/thumbnail$/) < 30);
    assert.ok(requested.length < 45, `${requested.length} requests`);
    assert.equal(await shown.rows().count(), 50);
  });

  it('loads thumbnails near the screen only, and nothing moves when they arrive', async () => {
    const asked: string[] = [];
    await shown.open();
    await shown.page.evaluate(`new PerformanceObserver((list) => { for (const entry of list.getEntries())
      window.shift = (window.shift ?? 0) + entry.value; }).observe({ type: 'layout-shift', buffered: true })`);
    shown.page.on('request', (request) => request.url().endsWith('/thumbnail') && asked.push(request.url()));
    await shown.page.reload();
    await shown.page.locator('.thumbnail img[src]').nth(5).waitFor();
    assert.ok(asked.length < 30, `${asked.length} thumbnails`);
    assert.equal(await shown.page.evaluate('window.shift ?? 0'), 0);
  });

  it('finds by text, camera, day and change, and keeps the choice in the address', async () => {
    await shown.open();
    await shown.page.fill('#search', 'parcel');
    await shown.page.locator('li[data-entry]', { hasText: 'cat' }).first().waitFor({ state: 'detached' });
    await shown.page.getByRole('button', { name: 'porch' }).click();
    await shown.page.getByRole('button', { name: 'Only what changed' }).click();
    await shown.page.waitForFunction(`document.querySelectorAll('li[data-entry]').length === 0
      && document.querySelector('.notice')`);
    await shown.page.getByRole('button', { name: 'driveway' }).click();
    await shown.page.waitForFunction(`document.querySelectorAll('li[data-entry]').length === 10`);
    assert.match(shown.page.url(), /#text=parcel&camera=driveway&changed=true$/);
    await shown.page.reload();
    await shown.page.waitForFunction(`document.querySelectorAll('li[data-entry]').length === 10`);
    assert.equal(await shown.page.inputValue('#search'), 'parcel');
    await shown.page.fill('#search', 'zebra');
    await shown.page.getByRole('button', { name: 'Show everything' }).click();
    await shown.page.waitForFunction(`document.querySelectorAll('li[data-entry]').length === 50`);
    const days = shown.page.getByLabel('Day', { exact: true });
    const day = (await days.locator('option').nth(1).getAttribute('value')) ?? '';
    await days.selectOption(day);
    await shown.page.waitForFunction(`document.querySelectorAll('.days section').length === 1
      && !document.querySelector('.skeleton')`);
    assert.equal(await shown.page.locator('.days section').getAttribute('data-day'), day);
  });

  it('shows a new entry at once at the top, and announces it to somebody who has scrolled', async () => {
    await shown.open();
    const id = await shown.store.add({ camera: 'porch', text: 'A fox.', timeMs: Date.now() + minute });
    await shown.page.locator(`li[data-entry="${id}"]`).waitFor();
    assert.equal(await shown.rows().first().getAttribute('data-entry'), String(id));
    await shown.page.mouse.wheel(0, 2000);
    await shown.page.waitForFunction('scrollY > 500');
    const before = await shown.page.evaluate('scrollY');
    const later = await shown.store.add({
      camera: 'porch',
      text: 'A hare.',
      timeMs: Date.now() + 2 * minute,
    });
    const news = shown.page.getByRole('button', { name: 'New captions: 1' });
    await news.waitFor();
    assert.equal(await shown.page.evaluate('scrollY'), before);
    await news.click();
    await shown.page.locator(`li[data-entry="${later}"]`).waitFor();
    await shown.store.remove([id, later]);
  });

  it('is used by keyboard alone', async () => {
    await shown.open();
    const current = () =>
      shown.page.evaluate(`document.activeElement.closest('li')?.dataset.entry`) as Promise<
        string | undefined
      >;
    const [first, second] = shown.entries.map(String);
    await shown.page.keyboard.press('j');
    assert.equal(await current(), first);
    await shown.page.keyboard.press('j');
    assert.equal(await current(), second);
    await shown.page.keyboard.press('k');
    await shown.page.keyboard.press('Enter');
    await shown.page.locator('.entry .caption', { hasText: '(0)' }).waitFor();
    await shown.page.keyboard.press('ArrowRight');
    await shown.page.locator('.entry .caption', { hasText: '(1)' }).waitFor();
    await shown.page.keyboard.press('Escape');
    await shown.page.locator('.entry').waitFor({ state: 'detached' });
    assert.equal(await current(), second);
    await shown.page.keyboard.press('/');
    assert.equal(await shown.page.evaluate('document.activeElement.id'), 'search');
    await shown.page.keyboard.type('jk/?');
    assert.equal(await shown.page.inputValue('#search'), 'jk/?');
    await shown.page.keyboard.press('Escape');
    await shown.page.keyboard.press('?');
    await shown.page.locator('dialog kbd').first().waitFor();
  });

  it('goes back to the list with the browser’s own button, and opens an entry by its address', async () => {
    await shown.open(phone, `#entry=${shown.entries[3]}`);
    await shown.page.locator('.entry .caption', { hasText: '(3)' }).waitFor();
    await shown.page.locator('.entry-bar button').first().click();
    await shown.openEntry(shown.entries[0] ?? 0);
    await shown.page.locator('.entry').waitFor();
    await shown.page.goBack();
    await shown.page.locator('.entry').waitFor({ state: 'detached' });
    assert.ok(await shown.rows().first().isVisible());
  });

  it('shows a timeline that is deployed after the page has opened', async () => {
    await shown.open();
    await shown.page.route('**/timelines', (route) => route.fulfill({ json: [] }), { times: 1 });
    await shown.page.reload();
    await shown.rows().first().waitFor();
  });

  it('keeps its theme and language', async () => {
    await shown.open({ colorScheme: 'light' });
    await shown.page.locator('.bar > .icon-button').click();
    await shown.page.getByLabel('Appearance').selectOption('dark');
    assert.equal(await shown.page.evaluate('document.documentElement.dataset.theme'), 'dark');
    await shown.page.getByLabel('Language').selectOption('de');
    await shown.page.getByRole('heading', { name: 'Bildbeschreibungen' }).waitFor();
    assert.equal(await shown.page.evaluate('document.documentElement.dataset.theme'), 'dark');
  });

  it('says that the connection is lost, and shows what was missed when it is back', async () => {
    await shown.open();
    await shown.page.locator('.live[data-state="live"]').waitFor();
    const port = new URL(shown.url).port;
    await shown.page.route('**/live', (route) => route.abort());
    await shown.page.reload();
    await shown.page.locator('.live[data-state="offline"]').waitFor();
    const id = await shown.store.add({
      camera: 'porch',
      text: 'While away.',
      timeMs: Date.now() + 3 * minute,
    });
    await shown.page.unroute('**/live');
    await shown.page.evaluate(`dispatchEvent(new Event('online'))`);
    await shown.page.locator('.live[data-state="live"]').waitFor();
    await shown.page.locator(`li[data-entry="${id}"]`).waitFor();
    assert.equal(new URL(shown.page.url()).port, port);
    await shown.store.remove([id]);
    shown.faults = shown.faults.filter((fault) => !fault.includes('Failed to fetch'));
  });

  it('asks for the token, and refuses a wrong one', async () => {
    await shown.openLoggedOut();
    await shown.page.getByLabel('Token').fill('a-wrong-token-0123456789');
    await shown.page.getByRole('button', { name: 'Log in' }).click();
    await shown.page.getByRole('alert').filter({ hasText: 'not allowed' }).waitFor();
    await shown.page.getByLabel('Token').fill(token);
    await shown.page.getByRole('button', { name: 'Log in' }).click();
    await shown.page.locator('li[data-entry]').first().waitFor();
  });
});
