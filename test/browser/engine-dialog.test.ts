import assert from 'node:assert/strict';
import { Editor, hasChromium } from './editor';

const engine = { id: 'engine', type: 'smolvlm-engine', name: '', location: 'local', model: 'demo', idle: 30 };

describe('dialog of smolvlm-engine in a browser', function () {
  this.timeout(120_000);
  let editor: Editor;

  before(async function () {
    if (!hasChromium) this.skip();
    editor = await Editor.open([{ id: 'tab', type: 'tab', label: 'Flow' }, engine]);
  });
  after(() => editor?.close());
  afterEach(async () => {
    await editor.cancel();
    assert.deepEqual(editor.faults, []);
  });

  it('checks the engine that is entered, saved or not', async () => {
    const { page } = editor;
    await editor.edit('engine');
    await page.fill('#node-config-input-model', '/nowhere/bundle');
    await page.click('a[href="#smolvlm-engine-tab-check"]');
    await page.click('#smolvlm-engine-check');
    const bundle = page.locator('.smolvlm-check tr[data-check="bundle"]');
    await bundle.waitFor({ timeout: 60_000 });
    assert.match((await bundle.textContent()) ?? '', /\/nowhere\/bundle/);
    assert.match((await bundle.getAttribute('class')) ?? '', /smolvlm-bad/);
    const node = await page.locator('.smolvlm-check tr[data-check="node"]').textContent();
    assert.match(node ?? '', new RegExp(`Node\\.js.*${process.versions.node}`));
    assert.match((await page.locator('.smolvlm-check-can').textContent()) ?? '', /CPU: yes/);
  });

  it('says why an engine elsewhere cannot be checked, and what to do', async () => {
    const { page } = editor;
    await editor.edit('engine');
    await page.selectOption('#node-config-input-location', 'remote');
    await page.fill('#node-config-input-url', 'http://127.0.0.1:9');
    await page.click('a[href="#smolvlm-engine-tab-check"]');
    await page.click('#smolvlm-engine-check');
    const error = page.locator('.smolvlm-check .smolvlm-error');
    await error.waitFor({ timeout: 30_000 });
    assert.match((await error.textContent()) ?? '', /engine-unreachable.*127\.0\.0\.1:9.*Check that it runs/);
  });
});
