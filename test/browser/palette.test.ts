import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../fixtures';
import type { NodeRedProgram } from '../package/node-red-process';
import { newestNode, nodeRed5, programOf } from '../package/test-runtimes';
import { Editor, hasChromium } from './editor';

const manifest = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8'));
const types: readonly string[] = Object.keys(manifest['node-red'].nodes);
const configTypes: ReadonlySet<string> = new Set(['smolvlm-engine']);

interface Look {
  readonly title: string;
  readonly isDark: boolean;
  readonly program?: () => Promise<NodeRedProgram>;
}

const five = (): Promise<NodeRedProgram> => programOf({ node: newestNode, nodeRed: nodeRed5 });
/** Node-RED 4 has no dark theme. */
const looks: readonly Look[] = [
  { title: 'Node-RED 4', isDark: false },
  { title: 'Node-RED 5', isDark: false, program: five },
  { title: 'Node-RED 5, dark', isDark: true, program: five },
];

/** Text on the page that is hard to read: its contrast (WCAG 2) is below 3. */
const faint = `(() => {
  const parse = (colour) => (/\\(([^)]*)\\)/.exec(colour)?.[1] ?? '0,0,0,0').split(/[ ,/]+/).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, index) => sum + c * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = parse(getComputedStyle(each).backgroundColor);
      if ((colour[3] ?? 1) > 0.5) return colour;
    }
    return [255, 255, 255];
  };
  const owns = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
  const body = [...document.querySelectorAll('.red-ui-tray-body')].at(-1);
  return [...body.querySelectorAll('*')]
    .filter((element) => owns(element) && element.checkVisibility() && !element.closest('[disabled], option, .disabled'))
    .map((element) => {
      const [a, b] = [luminance(parse(getComputedStyle(element).color)), luminance(behind(element))];
      return [element.textContent.trim().slice(0, 40), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
    })
    .filter(([, contrast]) => contrast < 3)
    .map(([text, contrast]) => text + ': ' + contrast.toFixed(1));
})()`;

for (const { title, isDark, program } of looks) {
  describe(`palette and dialogs in a browser (${title}; needs Chromium)`, function () {
    this.timeout(240_000);
    let editor: Editor;

    before(async function () {
      if (!hasChromium) this.skip();
      const nodes = types.map((type, index) => ({
        id: `the-${type}`,
        type,
        ...(configTypes.has(type) ? {} : { z: 'tab', x: 200, y: 60 * (index + 1), wires: [] }),
      }));
      const flow = [{ id: 'tab', type: 'tab', label: 'Flow' }, ...nodes];
      editor = await Editor.open(flow, { program: await program?.() });
      if (isDark) await editor.darken();
    });
    after(() => editor?.close());
    afterEach(() => assert.deepEqual(editor.faults, []));

    for (const type of types) {
      if (!configTypes.has(type)) {
        it(`lists ${type} with its icon, its label and its help`, async () => {
          const entry = editor.page.locator(`.red-ui-palette-node[data-palette-type="${type}"]`);
          assert.notEqual(((await entry.textContent()) ?? '').trim(), '');
          const help = await editor.page.evaluate(`RED.nodes.getNodeHelp('${type}')`);
          assert.match(String(help), /<h3>|###/);
          const icon = await editor.page.evaluate(`(async () => {
            const url = RED.utils.getNodeIcon(RED.nodes.getType('${type}'));
            const image = new Image();
            image.src = url;
            await image.decode();
            return [url, image.naturalWidth > 0].join(' '); })()`);
          assert.match(String(icon), new RegExp(`${type}\\.svg true$`));
        });
      }

      it(`opens the dialog of ${type} with every word in place, to be read`, async () => {
        await editor.edit(`the-${type}`);
        const dialog = editor.page.locator('.red-ui-tray').last();
        const shown = await dialog.locator('.red-ui-tray-body').innerText();
        // A word that is in no catalogue is shown as its key.
        assert.doesNotMatch(shown, new RegExp(`${type}\\.\\w+|undefined|__\\w+__`));
        assert.ok((await dialog.locator('.form-row').count()) > 2);
        const tabs = await dialog.locator('.red-ui-tray-body .red-ui-tab:visible a').all();
        assert.deepEqual(await editor.page.evaluate(faint), []);
        for (const tab of tabs) {
          await tab.click();
          assert.deepEqual(await editor.page.evaluate(faint), []);
        }
        await editor.cancel();
      });
    }
  });
}
