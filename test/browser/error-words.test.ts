import assert from 'node:assert/strict';
import type { TroubleKey } from '../../src/failures/trouble';
import { readCatalog, translations } from '../nodes/catalogs';
import { Editor, unreachableEngine, useEditorServer } from './editor';
import { photograph } from './photographs';

const unreachable = { code: 'engine-unreachable', message: 'nothing answers at http://hub:8372' };

const regions = { de: 'de-DE', fr: 'fr-FR', 'zh-CN': 'zh-CN' } as const;

describe('errors in the dialogs and the sidebar, in the editor’s language (needs Chromium)', function () {
  this.timeout(240_000);
  const server = useEditorServer(unreachableEngine);

  for (const language of translations) {
    it(`are words and a way out in ${language}, with the English sentence below`, async () => {
      const editor = await Editor.openOn(server(), regions[language]);
      const { page } = editor;
      const catalog = readCatalog('smolvlm-engine', language);
      const word = (key: string): string => catalog.get(`smolvlm-engine.${key}`) ?? assert.fail(key);
      /** Waits for an error's three lines. */
      const shows = async (place: string, kind: TroubleKey, code: string, sentence: RegExp) => {
        const line = page.locator(`${place} .smolvlm-error`).last();
        await line.waitFor({ timeout: 90_000 });
        const [words = '', way, english = ''] = await line.locator('> div').allInnerTexts();
        assert.equal(words.toLocaleLowerCase(), word(`trouble.${kind}`).toLocaleLowerCase());
        assert.equal(way, word(`wayOut.${kind}`));
        assert.match(english, sentence);
        assert.ok(english.startsWith(code), english);
        assert.equal(await line.locator('> [lang="en"]').count(), 1);
        assert.equal(await line.getAttribute('title'), code);
        assert.doesNotMatch(await line.innerText(), /__|wayOut|trouble\./);
      };
      const answers = (path: string, reply: object) =>
        page.route(`**/smolvlm-engine/${path}`, (route) => route.fulfill(reply), { times: 1 });
      try {
        const { message } = unreachable;
        const engine = {
          id: 'one',
          name: 'Hub',
          model: 'demo',
          state: 'lost',
          frames: [],
          oldestSequence: 0,
        };
        await page.route('**/smolvlm-sidebar/engines**', (route) =>
          route.fulfill({ json: { engines: [{ ...engine, error: unreachable }] } }),
        );
        await page.evaluate(`RED.sidebar.show('smolvlm-sidebar')`);
        await shows('.smolvlm-sidebar', 'engineUnreachable', 'engine-unreachable', new RegExp(message));
        await photograph(page, 'error-sidebar', language);
        await editor.edit('engine');
        await shows('.smolvlm-models-progress', 'engineUnreachable', 'engine-unreachable', /127\.0\.0\.1:9/);
        await photograph(page, 'error-models', language);
        const error = { code: 'discovery-package', message: 'the package bonjour-service is missing' };
        await answers('find', { json: { error } });
        await page.click('#smolvlm-engine-find');
        await shows('.smolvlm-find', 'packageMissing', 'discovery-package', /bonjour-service/);
        await page.click('a[href="#smolvlm-engine-tab-check"]');
        await page.click('#smolvlm-engine-check');
        await shows('.smolvlm-check', 'engineUnreachable', 'engine-unreachable', /127\.0\.0\.1:9/);
        await photograph(page, 'error-check', language);
        await answers('check', { status: 403, body: 'Forbidden' });
        await page.click('#smolvlm-engine-check');
        await shows('.smolvlm-check', 'notPermitted', 'http-403', /Node-RED answered 403/);
        await page.click('a[href="#smolvlm-engine-tab-try"]');
        await page.setInputFiles('#smolvlm-try-file', {
          name: 'a.jpg',
          mimeType: 'image/jpeg',
          buffer: Buffer.from('no picture'),
        });
        await shows('.smolvlm-try-caption', 'engineUnreachable', 'engine-unreachable', /127\.0\.0\.1:9/);
        await photograph(page, 'error-try', language);
      } finally {
        await editor.close();
      }
    });
  }

  for (const region of ['en-US', 'de-DE']) {
    it(`show what a server answered as text, never as markup: ${region}`, async () => {
      const editor = await Editor.openOn(server(), region);
      const { page } = editor;
      const answer = '<img src="x" onerror="window.ran = true">';
      const error = { code: 'engine-answer', message: `expected an engine's answer, received: "${answer}"` };
      try {
        await page.route('**/smolvlm-engine/find', (route) => route.fulfill({ json: { error } }));
        await editor.edit('engine');
        await page.click('#smolvlm-engine-find');
        const line = page.locator('.smolvlm-find .smolvlm-error');
        await line.waitFor();
        assert.ok((await line.innerText()).includes(answer));
        assert.equal(await line.locator('img').count(), 0);
        assert.equal(await page.evaluate('window.ran'), undefined);
      } finally {
        await editor.close();
      }
    });
  }
});
