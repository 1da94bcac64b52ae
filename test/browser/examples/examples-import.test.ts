import assert from 'node:assert/strict';
import { Editor, hasChromium } from '../editor';
import { importExample } from './import-example';

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

  it('gives two examples one engine, which the nodes of both use', async () => {
    await importExample(editor.page, 'snapshot to caption', 'Snapshot to caption');
    assert.deepEqual(await engines(), [{ name: 'Captions', users: 1 }]);
    await importExample(editor.page, 'one frame, five questions', 'One frame, five questions');
    assert.deepEqual(await engines(), [{ name: 'Captions', users: 7 }]);
    assert.deepEqual(
      (await imported()).map(({ label }) => label),
      ['Snapshot to caption', 'One frame, five questions'],
    );
    assert.deepEqual(editor.faults, []);
  });

  it('gives the same example a second sheet and the same engine when it is imported as a copy', async () => {
    await importExample(editor.page, 'snapshot to caption', 'Snapshot to caption');
    await editor.page.waitForFunction(`RED.nodes.filterNodes({ type: 'smolvlm-frame' }).length > 2`);
    assert.deepEqual(await engines(), [{ name: 'Captions', users: 8 }]);
    const labels = (await imported()).map(({ label }) => label);
    assert.deepEqual(labels.filter((label) => label === 'Snapshot to caption').length, 2);
    assert.deepEqual(editor.faults, []);
  });
});
