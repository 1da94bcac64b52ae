import assert from 'node:assert/strict';
import { Editor, hasChromium } from './editor';
import { openIngress } from './ingress';

describe('editor below a path, as behind Home Assistant’s ingress (needs Chromium)', function () {
  this.timeout(120_000);
  let editor: Editor;

  before(async function () {
    if (!hasChromium) this.skip();
    const flow = [
      { id: 'tab', type: 'tab', label: 'Flow' },
      { id: 'engine', type: 'smolvlm-engine', name: 'Hall', location: 'local', model: 'demo', idle: 30 },
    ];
    editor = await Editor.open(flow, { openFront: openIngress });
  });
  after(() => editor?.close());
  afterEach(() => {
    assert.deepEqual(editor.faults, []);
    assert.deepEqual(editor.front?.strays, []);
  });

  it('checks an engine', async () => {
    await editor.edit('engine');
    await editor.page.click('a[href="#smolvlm-engine-tab-check"]');
    await editor.page.click('#smolvlm-engine-check');
    await editor.page.locator('.smolvlm-check tr[data-check="node"]').waitFor({ timeout: 60_000 });
    await editor.cancel();
  });

  it('shows the sidebar', async () => {
    await editor.page.evaluate(`RED.sidebar.show('smolvlm-sidebar')`);
    await editor.page.locator('.smolvlm-engine[data-engine="engine"]').waitFor({ timeout: 30_000 });
  });
});
