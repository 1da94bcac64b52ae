import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { Editor, hasChromium, openBrowser } from '../../browser/editor';
import { importExample } from '../../browser/examples/import-example';
import { FlowCanvas } from '../../browser/flow-canvas';
import { expectedCaption } from '../../examples/home';
import { demoFrame } from '../../fixtures';
import type { NodeRedProcess } from '../node-red-process';
import type { HomeServices } from './home-services';

/** The name under which the loopback hub has the demo model. */
export const fetchedModel = 'HuggingFaceTB/SmolVLM-256M-Instruct';

/** A hang, not a slow machine. */
const timeout = 120_000;

export interface ReadmeReader {
  readonly nodeRed: NodeRedProcess;
  readonly home: HomeServices;
  /** For photographs. */
  readonly pictures: string;
  readonly types: readonly string[];
}

/** Declares the README's steps in a browser, in a Node-RED that has the package. To be called in the suite's body. */
export function testReadmePath(reader: () => ReadmeReader): void {
  (hasChromium ? describe : describe.skip)('in a browser (needs Chromium)', () => {
    let editor: Editor;
    let canvas: FlowCanvas;
    let nodes: Record<'frame' | 'caption' | 'timeline', string>;

    before(async () => {
      const { nodeRed, types } = reader();
      const each = types.map((type, index) => ({
        ...{ id: `the-${type}`, type },
        ...(type !== 'smolvlm-engine' && { z: 'all', x: 200, y: 60 * (index + 1), wires: [] }),
      }));
      await nodeRed.deploy([{ id: 'all', type: 'tab', label: 'All' }, ...each]);
      await open();
    });
    after(() => editor?.close());
    afterEach(async function () {
      if (this.currentTest?.state === 'failed') {
        await photograph('failed');
        process.stderr.write(`${reader().nodeRed.log.slice(-3000)}\n`);
      }
      assert.deepEqual(editor.faults, []);
    });

    async function open(): Promise<void> {
      await editor?.close();
      editor = await Editor.openOn({ url: `${reader().nodeRed.url}/`, front: undefined });
      editor.page.setDefaultTimeout(timeout);
      canvas = new FlowCanvas(editor.page);
    }
    const photograph = (name: string, page = editor.page): Promise<unknown> =>
      page.screenshot({ path: join(reader().pictures, `${name}.png`) });
    /** The debug sidebar shortens a long text. */
    const debugged = (text: string): Promise<void> =>
      editor.page
        .locator('.red-ui-debug-msg', { hasText: text.slice(0, 50) })
        .first()
        .waitFor();

    it('opens the dialog of every node, on every tab', async () => {
      for (const type of reader().types) {
        await editor.edit(`the-${type}`);
        const dialog = editor.page.locator('.red-ui-tray').last();
        assert.doesNotMatch(await dialog.innerText(), new RegExp(`${type}\\.\\w+|undefined|__\\w+__`));
        const tabs = dialog.locator('.red-ui-tray-body .red-ui-tab:visible a');
        for (let tab = 0; tab === 0 || tab < (await tabs.count()); tab++) {
          if ((await tabs.count()) > 0) await tabs.nth(tab).click();
          await photograph(`${type}-${tab}`);
        }
        await editor.cancel();
      }
    });

    it('gets the captions of one’s own camera by the README, with a model that is fetched by a click', async () => {
      const { nodeRed, home } = reader();
      await nodeRed.deploy([{ id: 'porch', type: 'tab', label: 'Porch' }]);
      await open();
      const { page } = editor;
      const frame = await canvas.drag('smolvlm-frame', 130, 100);
      await canvas.open(frame);
      await page.fill('#node-input-name', 'porch');
      await page.selectOption('#node-input-source', { label: 'a snapshot address' });
      await page.fill('#node-input-url', home.camera);
      await page.fill('#node-input-interval', '2');
      await photograph('readme-frame');
      await editor.save();

      const caption = await canvas.drag('smolvlm-caption', 330, 100);
      await canvas.wire(frame, caption);
      await canvas.open(caption);
      await page.locator('#node-input-engine').locator('xpath=..').locator('.fa-plus').click();
      const fetchButton = page.locator(`.smolvlm-models button[data-model="${fetchedModel}"]`);
      await fetchButton.filter({ hasText: 'Fetch' }).click();
      await page.locator('#smolvlm-engine-tab-try').waitFor();
      assert.equal(await page.inputValue('#node-config-input-model'), fetchedModel);
      await page.setInputFiles('#smolvlm-try-file', demoFrame('frame_09_street_day.jpg'));
      await page.locator('.smolvlm-try-total').waitFor();
      assert.equal(
        await page.locator('.smolvlm-try-caption').textContent(),
        expectedCaption('frame_09_street_day.jpg'),
      );
      await photograph('readme-engine');
      await page.click('#node-config-dialog-ok');
      await page.waitForFunction('$(".red-ui-tray").length === 1 && $(".red-ui-tray").is(":not(:animated)")');
      await photograph('readme-caption');
      await editor.save();

      const debug = await canvas.drag('debug', 540, 60);
      const timeline = await canvas.drag('smolvlm-timeline', 540, 160);
      await canvas.wire(caption, debug);
      await canvas.wire(caption, timeline);
      await page.evaluate(`RED.sidebar.show('debug')`);
      await editor.deploy();
      await debugged(expectedCaption(home.frame));
      home.frame = 'frame_06_porch_night.jpg';
      await debugged(expectedCaption(home.frame));
      await photograph('readme-flow');
      nodes = { frame, caption, timeline };
    });

    it('sends a notification to the phone by the example of the menu', async () => {
      const { nodeRed, home } = reader();
      const { page } = editor;
      await importExample(page, 'doorbell to phone notification', 'Doorbell to phone notification');
      await page.locator('.red-ui-tab-label', { hasText: 'Doorbell' }).click();
      await photograph('example');
      await canvas.open('smolvlm-bell-frame');
      await page.fill('#node-input-url', home.camera);
      await editor.save();
      await page.evaluate(`RED.workspaces.edit('smolvlm-bell-tab')`);
      await page.waitForFunction('$(".red-ui-tray").last().is(":not(:animated)")');
      await page.locator('.red-ui-tray a[href="#editor-tab-envProperties"]:visible').first().click();
      await page
        .locator('.node-input-env-value + .red-ui-typedInput-container input:visible')
        .fill(home.phone);
      await photograph('example-tab');
      await editor.save();
      await editor.deploy();
      // The flows start a moment after the answer to the deployment.
      for (let rung = 0; rung !== 204; await page.waitForTimeout(200)) {
        ({ status: rung } = await fetch(`${nodeRed.url}/doorbell`, { method: 'POST' }));
      }
      const words = expectedCaption(home.frame);
      const complete = (): boolean =>
        home.told.some(({ message }) => message.includes(words)) &&
        home.told.some(({ body }) => body.subarray(0, 2).equals(Buffer.from([0xff, 0xd8])));
      for (const since = Date.now(); !complete(); await page.waitForTimeout(100)) {
        assert.ok(Date.now() - since < timeout, JSON.stringify(home.told.map(({ message }) => message)));
      }
    });

    it('shows yesterday’s event on a phone-sized captions page', async () => {
      const { nodeRed, home } = reader();
      const fox = 'A fox crosses the porch at night.';
      const flows = (await (await fetch(`${nodeRed.url}/flows`)).json()) as readonly object[];
      const yesterday = [
        ...[{ id: 'past', type: 'http in', z: 'porch', x: 100, y: 300, url: '/past', method: 'post' }],
        { id: 'past-answer', type: 'http response', z: 'porch', x: 500, y: 300, wires: [] },
      ].map((node) => (node.id === 'past' ? { ...node, wires: [['past-set']] } : node));
      const rules = ['payload', 'capturedAt', 'camera'].map((name) => ({
        ...{ t: 'set', p: name, pt: 'msg', to: `req.body.${name}`, tot: 'msg' },
      }));
      const set = { id: 'past-set', type: 'change', z: 'porch', x: 300, y: 300, rules };
      await nodeRed.deploy([...flows, ...yesterday, { ...set, wires: [[nodes.timeline, 'past-answer']] }]);
      // Not the day of the captions either when midnight has passed since.
      const at = new Date(Date.now() - 26 * 3_600_000);
      const body = JSON.stringify({ payload: fox, capturedAt: at.toISOString(), camera: 'porch' });
      const headers = { 'content-type': 'application/json' };
      assert.equal((await fetch(`${nodeRed.url}/past`, { method: 'POST', body, headers })).status, 200);

      const phone = await (await openBrowser()).newPage({
        viewport: { width: 390, height: 844 },
        locale: 'en-US',
      });
      try {
        phone.setDefaultTimeout(timeout);
        await phone.goto(`${nodeRed.url}/smolvlm-timeline/`);
        const rows = phone.locator('li[data-entry]');
        await rows
          .filter({ hasText: expectedCaption(home.frame) })
          .first()
          .waitFor();
        await phone.locator('li[data-entry] .thumbnail img[src]').first().waitFor();
        assert.equal(await phone.evaluate('document.documentElement.scrollWidth'), 390);
        await photograph('phone-today', phone);
        const day = phone.getByLabel('Day', { exact: true });
        const key = [at.getFullYear(), at.getMonth() + 1, at.getDate()]
          .map((part) => String(part).padStart(2, '0'))
          .join('-');
        await day.selectOption(key);
        await rows
          .filter({ hasText: expectedCaption(home.frame) })
          .first()
          .waitFor({ state: 'detached' });
        await rows.filter({ hasText: fox }).locator('a').click();
        await phone.locator('.entry .caption', { hasText: fox }).waitFor();
        await photograph('phone-yesterday', phone);
      } finally {
        await phone.context().close();
      }
    });
  });
}
