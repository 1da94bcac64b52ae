import assert from 'node:assert/strict';
import { Editor, hasChromium } from './editor';

/** A sheet of the editor and how many nodes lie on it. */
interface Sheet {
  readonly label: string;
  readonly nodes: number;
}

(hasChromium ? describe : describe.skip)('Import → Examples in a browser (needs Chromium)', function () {
  this.timeout(180_000);
  let editor: Editor;

  before(async () => {
    editor = await Editor.open([]);
  });
  after(() => editor?.close());

  const imported = async (): Promise<readonly Sheet[]> => {
    const sheets = (await editor.page.evaluate(
      `(() => { const all = [];
        RED.nodes.eachWorkspace(({ id, label }) =>
          all.push({ label, nodes: RED.nodes.filterNodes({ z: id }).length }));
        return all; })()`,
    )) as Sheet[];
    return sheets.filter(({ nodes }) => nodes > 0);
  };
  const engines = (): Promise<unknown> =>
    editor.page.evaluate(
      `(() => { const all = [];
        RED.nodes.eachConfig(({ type, name, users }) =>
          type === 'smolvlm-engine' && all.push({ name, users: users.length }));
        return all; })()`,
    );

  async function importExample(name: string, label: string): Promise<void> {
    const { page } = editor;
    await page.click('#red-ui-header-button-sidemenu');
    await page.click('#menu-item-import');
    await page.click('a[href="#red-ui-clipboard-dialog-import-tab-examples"]');
    const tree = page.locator('#red-ui-clipboard-dialog-import-tab-examples .red-ui-treeList-label:visible');
    const example = tree.filter({ hasText: name });
    if ((await example.count()) === 0) await tree.filter({ hasText: '@rk3588/node-red-smolvlm' }).click();
    await example.click();
    await page.click('#red-ui-clipboard-dialog-ok:not([disabled])');
    // The editor asks as soon as a node of the example is there already: here the engine.
    const copy = page.locator('.red-ui-notification button', { hasText: 'Import copy' });
    const there = page.locator('.red-ui-tab-label', { hasText: label });
    await copy.or(there).first().waitFor();
    if (await copy.isVisible()) await copy.click();
    await there.first().waitFor();
  }

  it('gives two examples one engine, which the nodes of both use', async () => {
    await importExample('snapshot to caption', 'Snapshot to caption');
    assert.deepEqual(await engines(), [{ name: 'Captions', users: 1 }]);
    await importExample('one frame, five questions', 'One frame, five questions');
    assert.deepEqual(await engines(), [{ name: 'Captions', users: 7 }]);
    assert.deepEqual(
      (await imported()).map(({ label }) => label),
      ['Snapshot to caption', 'One frame, five questions'],
    );
    assert.deepEqual(editor.faults, []);
  });
});
