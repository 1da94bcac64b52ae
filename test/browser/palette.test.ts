import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../fixtures';
import { Editor, hasChromium } from './editor';

const manifest = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8'));
const types: readonly string[] = Object.keys(manifest['node-red'].nodes);
const configTypes: ReadonlySet<string> = new Set(['smolvlm-engine']);

describe('palette and dialogs in a browser', function () {
  this.timeout(120_000);
  let editor: Editor;

  before(async function () {
    if (!hasChromium) this.skip();
    const nodes = types.map((type, index) => ({
      id: `the-${type}`,
      type,
      ...(configTypes.has(type) ? {} : { z: 'tab', x: 200, y: 60 * (index + 1), wires: [] }),
    }));
    editor = await Editor.open([{ id: 'tab', type: 'tab', label: 'Flow' }, ...nodes]);
  });
  after(() => editor?.close());
  afterEach(() => assert.deepEqual(editor.faults, []));

  for (const type of types) {
    if (!configTypes.has(type)) {
      it(`lists ${type}, and its help`, async () => {
        const entry = editor.page.locator(`.red-ui-palette-node[data-palette-type="${type}"]`);
        assert.notEqual(((await entry.textContent()) ?? '').trim(), '');
        const help = await editor.page.evaluate(`RED.nodes.getNodeHelp('${type}')`);
        assert.match(String(help), /<h3>|###/);
      });
    }

    it(`opens the dialog of ${type} with every word in place`, async () => {
      await editor.edit(`the-${type}`);
      const dialog = editor.page.locator('.red-ui-tray').last();
      const shown = await dialog.locator('.red-ui-tray-body').innerText();
      // A word that is in no catalogue is shown as its key.
      assert.doesNotMatch(shown, new RegExp(`${type}\\.\\w+|undefined|__\\w+__`));
      assert.ok((await dialog.locator('.form-row').count()) > 2);
      await editor.cancel();
    });
  }
});
