import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeFolders, original, readCatalog, readHelp, translations } from '../nodes/catalogs';
import type { NodeRedProgram } from '../package/node-red-process';
import { accessibilityFaults } from './axe';
import { Editor, useEditorServer } from './editor';
import { photograph } from './photographs';

const languages = [original, ...translations] as const;

/** What a browser says it speaks. */
const regions = { 'en-US': 'en-US', de: 'de-DE', fr: 'fr-FR', 'zh-CN': 'zh-CN' } as const;

const types = nodeFolders.filter((folder) => folder !== 'sidebar');

/** Each marked element of the open dialog: where its words go, their key, the words. */
const marked = `$('.red-ui-tray').last().find('.smolvlm-dialog [data-i18n]').toArray().map((element) => {
  const [, attribute = '', key] = /^(?:\\[(\\w+)\\])?(?:@.*:)?(.*)$/.exec(element.dataset.i18n);
  const words = attribute === '' ? element.textContent
    : attribute === 'html' ? element.innerHTML : element.getAttribute(attribute);
  return [key, words]; })`;

/** Words of the open dialog that reach beyond the place they have. */
const cut = `$('.red-ui-tray').last().find('.smolvlm-dialog').find('label, button, li.red-ui-tab, .form-tips')
  .filter(':visible').toArray().filter((element) => {
    const range = document.createRange();
    range.selectNodeContents(element.querySelector('.red-ui-tab-label') ?? element);
    return range.getBoundingClientRect().right > element.getBoundingClientRect().right + 1; })
  .map((element) => element.textContent.trim())`;

/** Labels of the open dialog that take more than one line, and buttons. */
const wrapped = `$('.red-ui-tray').last().find('.smolvlm-dialog').find('.form-row > label, button, li.red-ui-tab')
  .filter(':visible').toArray().filter((element) => {
    const words = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    const lines = new Set();
    while (words.nextNode()) {
      if (words.currentNode.data.trim() === '' || !words.currentNode.parentElement.checkVisibility()) continue;
      const range = document.createRange();
      range.selectNodeContents(words.currentNode);
      for (const { top } of range.getClientRects()) lines.add(Math.round(top / 8));
    }
    return lines.size > 1; })
  .map((element) => element.textContent.trim())`;

/** Choices and placeholders of the open dialog that are wider than their field. */
const tooWide = `(() => {
  const pen = document.createElement('canvas').getContext('2d');
  const fits = (field, words) => {
    const { font, paddingLeft, paddingRight } = getComputedStyle(field);
    pen.font = font;
    const arrow = field.tagName === 'SELECT' ? 16 : 0;
    const room = field.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight) - arrow;
    return pen.measureText(words).width <= room;
  };
  return $('.red-ui-tray').last().find('.smolvlm-dialog').find('select, input[placeholder]').filter(':visible').toArray()
    .flatMap((field) => (field.tagName === 'SELECT' ? [...field.options].filter(({ value }) => value !== '_ADD_').map(({ text }) => text) : [field.placeholder])
      .filter((words) => !fits(field, words)));
})()`;

/** Choices of a dialog's first tab that decide which other fields it shows. */
const choosers: Readonly<Record<string, string>> = {
  'smolvlm-caption': '#node-input-preset',
  'smolvlm-frame': '#node-input-source',
  'smolvlm-convert': '#node-input-mode',
};
const shownBy = (type: string): string =>
  `$('${choosers[type] ?? '.none'} option').toArray().map((option) => option.value)`;

/** Pixels by which the open dialog is wider than the place that the editor gives it. */
const beyond = `(() => {
  const tray = $('.red-ui-tray').last();
  return tray.find('.red-ui-tray-body')[0].offsetWidth - Math.ceil(tray.width());
})()`;

/** Looks at every dialog in each language. @param program another Node-RED than the development dependency */
export function dialogsInEachLanguage(nodeRed: number, program?: () => Promise<NodeRedProgram>): void {
  describe(`editor of Node-RED ${nodeRed} in a browser in each language (needs Chromium)`, function () {
    this.timeout(180_000);
    let cache = '';
    const nodes = types.map((type, index) => ({
      id: `the-${type}`,
      type,
      ...(type === 'smolvlm-mqtt' && { cameras: [{ name: 'porch', title: 'Front porch', snapshot: '' }] }),
      ...(type === 'smolvlm-engine'
        ? { name: '', location: 'local', model: 'demo', idle: 30 }
        : { z: 'tab', x: 200, y: 60 * (index + 1), wires: [] }),
    }));
    const server = useEditorServer([{ id: 'tab', type: 'tab', label: 'Flow' }, ...nodes], async () => {
      // The engine's dialog lists it, beside a button.
      cache = mkdtempSync(join(tmpdir(), 'smolvlm-cache-'));
      const bundle = 'HuggingFaceTB-SmolVLM2-256M-Video-Instruct-int8-int8-0123456789abcdef';
      mkdirSync(join(cache, 'bundles', bundle), { recursive: true });
      return { environment: { SMOLVLM_CACHE: cache }, program: await program?.() };
    });
    after(() => {
      if (cache !== '') rmSync(cache, { recursive: true, force: true });
    });

    for (const language of languages) {
      describe(language, () => {
        let editor: Editor;

        before(async () => {
          editor = await Editor.openOn(server(), regions[language]);
        });
        after(() => editor?.close());
        afterEach(async () => {
          if ((await editor.page.locator('.red-ui-tray').count()) > 0) await editor.cancel();
          assert.deepEqual(editor.faults, []);
        });

        for (const type of types) {
          const catalog = readCatalog(type, language);

          it(`shows the dialog of ${type}, no word of it cut`, async () => {
            const { page } = editor;
            await editor.edit(`the-${type}`);
            const dialog = page.locator('.red-ui-tray').last();
            assert.ok(Number(await page.evaluate(beyond)) <= 0);
            for (const [key, words] of (await page.evaluate(marked)) as readonly [string, string][]) {
              if (!key.startsWith('node-red:')) assert.equal(words, catalog.get(key), key);
            }
            const tabs = dialog.locator('.smolvlm-tabs a.red-ui-tab-label');
            assert.deepEqual(
              (await tabs.allTextContents()).map((label) => label.trim()),
              [...catalog].filter(([key]) => key.startsWith(`${type}.tab.`)).map(([, label]) => label),
            );
            for (let tab = 0; tab === 0 || tab < (await tabs.count()); tab++) {
              if ((await tabs.count()) > 0) await tabs.nth(tab).click();
              assert.doesNotMatch(await dialog.innerText(), new RegExp(`${type}\\.\\w+\\.\\w|__\\w+__`));
              // What the dialog asks the server for may arrive later, and with it a scroll bar that goes again.
              const settled = `(${cut}).length + ${tooWide}.length === 0`;
              await page.waitForFunction(settled, undefined, { timeout: 10_000 }).catch(() => {});
              assert.deepEqual(await page.evaluate(cut), []);
              if (language === original) {
                assert.deepEqual(
                  await accessibilityFaults(page, '.red-ui-tray:last-child .smolvlm-dialog'),
                  [],
                );
              }
              assert.deepEqual(await page.evaluate(wrapped), []);
              await photograph(page, `${type}-${tab}`, `${nodeRed}`, language);
              assert.deepEqual(await page.evaluate(tooWide), []);
              for (const each of tab === 0 ? await page.evaluate<string[]>(shownBy(type)) : []) {
                await page.selectOption(choosers[type] ?? '', each);
                assert.deepEqual(await page.evaluate(tooWide), [], each);
                await photograph(page, `${type}-${tab}-${each}`, `${nodeRed}`, language);
              }
            }
          });

          it(`explains ${type}`, async () => {
            const help = String(await editor.page.evaluate(`RED.nodes.getNodeHelp('${type}')`));
            for (const heading of readHelp(type, language)?.headings ?? []) {
              assert.ok(help.includes(`<h3>${heading}</h3>`), heading);
            }
          });

          const name = catalog.get(`${type}.palette`);
          if (name === undefined) continue;
          it(`names ${type} in the palette`, async () => {
            const entry = editor.page.locator(`.red-ui-palette-node[data-palette-type="${type}"]`);
            // On as many lines as it has words: what is longer than a line is broken in the middle.
            assert.equal((await entry.innerText()).trim().replace(/\n/g, ' '), name);
          });
        }

        it('names what the doctor found on the machine', async () => {
          const { page } = editor;
          const catalog = readCatalog('smolvlm-engine', language);
          await editor.edit('the-smolvlm-engine');
          await page.click('a[href="#smolvlm-engine-tab-check"]');
          await page.click('#smolvlm-engine-check');
          const title = page.locator('.smolvlm-check tr[data-check="memory"] th');
          await title.waitFor({ timeout: 60_000 });
          assert.equal(await title.textContent(), catalog.get('smolvlm-engine.check.title.memory'));
          const [free, limited] = ['memoryFree', 'memoryLimited'].map((key) =>
            (catalog.get(`smolvlm-engine.finding.${key}`) ?? assert.fail(key)).replace(
              /__\w+__/g,
              '[\\d.,]+ [GM]iB',
            ),
          );
          const value = page.locator('.smolvlm-check tr[data-check="memory"] td:last-child > div').first();
          assert.match(await value.innerText(), new RegExp(`^(?:${free}|${limited})$`));
          const purpose = catalog.get('smolvlm-engine.check.can.captionOnCpu') ?? '';
          assert.ok((await page.locator('.smolvlm-check-can').innerText()).includes(purpose));
        });

        it('shows the sidebar, numbers as the language writes them', async () => {
          const { page } = editor;
          const catalog = readCatalog('sidebar', language);
          await page.evaluate(`RED.sidebar.show('smolvlm-sidebar')`);
          const engine = page.locator('.smolvlm-engine[data-engine="the-smolvlm-engine"]');
          await engine.waitFor({ timeout: 30_000 });
          const states = [...catalog].filter(([key]) => key.includes('.state.')).map(([, words]) => words);
          const title = await engine.locator('.smolvlm-engine-title span').innerText();
          assert.ok(states.includes(title), title);
          const hide = await page.locator('.smolvlm-sidebar-foot button').innerText();
          assert.equal(hide, catalog.get('smolvlm-sidebar.hide'));
          assert.doesNotMatch(
            await page.locator('.smolvlm-sidebar').innerText(),
            /smolvlm-sidebar\.\w|__\w+__/,
          );
          const answered = { camera: 'porch', prompt: '', text: 'A cat.', totalMs: 1500, queuedMs: 0 };
          const frame = { sequence: 1, at: new Date().toISOString(), ...answered };
          const overview = {
            id: 'one',
            name: 'One',
            model: '',
            state: 'idle',
            frames: [frame],
            oldestSequence: 1,
          };
          await page.route('**/smolvlm-sidebar/engines**', (route) =>
            route.fulfill({ json: { engines: [overview] } }),
          );
          const time = page.locator('.smolvlm-engine[data-engine="one"] .smolvlm-frame-head').nth(1);
          assert.match(
            await time.innerText(),
            language === 'zh-CN' || language === original ? /\b1\.5/ : /\b1,5/,
          );
          if (language === original)
            assert.deepEqual(await accessibilityFaults(page, '.smolvlm-sidebar'), []);
          await page.unroute('**/smolvlm-sidebar/engines**');
        });
      });
    }
  });
}
