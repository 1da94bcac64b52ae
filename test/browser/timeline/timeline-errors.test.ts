import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { SmolvlmError } from '../../../src/errors';
import { demoFrame } from '../../fixtures';
import { original, readFailureCatalog, translations } from '../../nodes/catalogs';
import { type ServedTimeline, serveByEngine, token } from '../../timeline/http/served-timeline';
import { MemoryTimeline } from '../../timeline/memory-timeline';
import { hasChromium, openBrowser } from '../editor';
import { photograph } from '../photographs';

const regions = { de: 'de-DE', fr: 'fr-FR', 'zh-CN': 'zh-CN' } as const;
const unreachable = new SmolvlmError('engine-unreachable', 'nothing answers at http://hub:8372', {
  hint: 'Check that it runs.',
});

interface Words {
  readonly trouble: Readonly<Record<string, string>>;
  readonly wayOut: Readonly<Record<string, string>>;
}

describe('errors on the captions page (needs Chromium)', function () {
  this.timeout(180_000);
  let store: MemoryTimeline;
  let served: ServedTimeline;
  let page: Page;
  let entry: number;

  before(async function () {
    if (!hasChromium) this.skip();
    const picture = await readFile(demoFrame('frame_01_driveway_day.jpg'));
    store = new MemoryTimeline();
    entry = await store.add({ camera: 'porch', text: 'A cat.', timeMs: Date.now() }, { picture });
    served = await serveByEngine({ id: 'home', name: 'Home', store, ask: () => Promise.reject(unreachable) });
  });
  after(() => served?.close());
  afterEach(() => page?.context().close());

  async function open(locale: string): Promise<void> {
    const context = await (await openBrowser()).newContext({
      viewport: { width: 390, height: 844 },
      locale,
    });
    const key = `smolvlm-timeline${new URL(served.url).pathname.replaceAll('/', '-')}token`;
    await context.addInitScript(
      `if (location.protocol === 'http:') localStorage.setItem(${JSON.stringify(key)}, ${JSON.stringify(token)})`,
    );
    page = await context.newPage();
    await page.goto(served.url);
    await page.locator(`li[data-entry="${entry}"] a`).click();
    await page.locator('#question').waitFor();
  }

  async function asked(): Promise<string> {
    await page.fill('#question', 'Is it there?');
    await page.keyboard.press('Enter');
    const answer = page.locator('.answer.error');
    await answer.waitFor();
    return answer.innerText();
  }

  it('are the sentence and its way out in English', async () => {
    await open('en-US');
    assert.match(await asked(), /nothing answers at http:\/\/hub:8372\. Check that it runs\.$/);
  });

  for (const language of translations) {
    it(`are words and a way out in ${language}, with the English sentence in brackets`, async () => {
      const { trouble, wayOut } = readFailureCatalog(language) as Words;
      const english = readFailureCatalog(original) as Words;
      await open(regions[language]);
      const text = await asked();
      assert.ok(
        text.toLocaleLowerCase().includes(String(trouble.engineUnreachable).toLocaleLowerCase()),
        text,
      );
      assert.ok(text.includes(String(wayOut.engineUnreachable)), text);
      assert.ok(text.endsWith('(nothing answers at http://hub:8372)'), text);
      await photograph(page, 'error-page-ask', language);

      await page.route('**/entries/*', (route) => route.fulfill({ status: 502, body: 'Bad Gateway' }));
      await page.locator('.entry .danger').click();
      await page.locator('dialog .danger').click();
      const toast = page.locator('.toast:not([hidden])');
      await toast.waitFor();
      const told = await toast.innerText();
      assert.ok(told.includes('502') && told.includes(String(wayOut.serverStatus)), told);
      assert.ok(!told.includes(String(english.wayOut.serverStatus)), told);
      await photograph(page, 'error-page-delete', language);
    });
  }
});
