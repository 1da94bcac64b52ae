import assert from 'node:assert/strict';
import { demoFrame } from '../fixtures';
import { Editor, hasChromium } from './editor';

const caption = 'smolvlm-caption';
const flow = [
  { id: 'tab', type: 'tab', label: 'Flow' },
  { id: 'engine', type: 'smolvlm-engine', name: 'Hall', location: 'local', model: 'demo', idle: 30 },
  { id: 'ask', type: 'inject', z: 'tab', x: 100, y: 60, wires: [['caption']], props: [{ p: 'payload' }] },
  {
    id: 'spoil',
    type: 'inject',
    z: 'tab',
    x: 100,
    y: 120,
    wires: [['caption']],
    props: [{ p: 'payload' }],
    payload: JSON.stringify([...Buffer.from('<html>Please log in</html>')]),
    payloadType: 'bin',
  },
  {
    id: 'caption',
    type: caption,
    z: 'tab',
    x: 300,
    y: 60,
    engine: 'engine',
    image: 'payload',
    imageType: 'msg',
    camera: 'driveway',
    cameraType: 'str',
    wires: [[], []],
  },
];

describe('sidebar in a browser', function () {
  this.timeout(120_000);
  let editor: Editor;

  before(async function () {
    if (!hasChromium) this.skip();
    editor = await Editor.open(
      flow.map((node) =>
        node.id === 'ask'
          ? { ...node, payload: demoFrame('frame_01_driveway_day.jpg'), payloadType: 'str' }
          : node,
      ),
    );
  });
  after(() => editor?.close());
  afterEach(() => assert.deepEqual(editor.faults, []));

  const shown = '.smolvlm-engine[data-engine="engine"]';
  const text = async (selector: string): Promise<string> =>
    (await editor.page.locator(`${shown} ${selector}`).first().textContent()) ?? '';
  const inject = () => editor.page.evaluate(`$.post('inject/ask')`);

  it('lists an engine that sleeps, and leaves it asleep', async () => {
    await editor.page.evaluate(`RED.sidebar.show('smolvlm-sidebar')`);
    await editor.page.locator(shown).waitFor({ timeout: 30_000 });
    assert.match(await text('.smolvlm-engine-title'), /Hall.*asleep until the first picture/);
  });

  it('shows backend, memory, queue, and the frame with its caption as soon as one was described', async () => {
    await inject();
    await editor.page.locator(`${shown} .smolvlm-frames li`).waitFor({ timeout: 90_000 });
    assert.match(await text('.smolvlm-frames li'), /driveway.*A black cat sits on the left of the driveway/);
    const image = `$('.smolvlm-frames img')[0]`;
    assert.deepEqual(
      await editor.page.evaluate(`[${image}.naturalWidth, ${image}.naturalHeight]`),
      [192, 144],
    );
    assert.match(await text('.smolvlm-engine-title'), /ready/);
    assert.match(await text('.smolvlm-model'), /demo: onnxruntime int8/);
    assert.match(await text('.smolvlm-engine-facts'), /this machine.*Memory \d+ of \d+ MB/);
    const counts = editor.page.locator(`${shown} tr[data-camera="driveway"] td`);
    assert.deepEqual(await counts.allTextContents(), ['0', '0', '1', '0', '0']);
  });

  it('shows what failed, and what to do about it', async () => {
    await editor.page.evaluate(`$.post('inject/spoil')`);
    const failed = editor.page.locator(`${shown} .smolvlm-frames .smolvlm-error`);
    await failed.waitFor({ timeout: 30_000 });
    assert.match((await failed.textContent()) ?? '', /^image-html .*wants a login/);
    assert.equal(await editor.page.locator(`${shown} .smolvlm-frames li`).count(), 2);
    assert.match(await text('.smolvlm-errors summary'), /1/);
  });

  it('fits a narrow place', async () => {
    const overflow = await editor.page.evaluate(`(() => { const box = $('.smolvlm-sidebar')[0];
      box.style.width = '170px';
      const over = box.scrollWidth - box.clientWidth;
      box.style.width = '';
      return over; })()`);
    assert.equal(overflow, 0);
  });

  it('takes its colours from the editor’s theme', async () => {
    const colours = await editor.page.evaluate(`(() => { const root = document.documentElement.style;
      const dark = { '--red-ui-primary-text-color': 'rgb(238, 238, 238)', '--red-ui-secondary-text-color': 'rgb(170, 170, 170)',
        '--red-ui-text-color-error': 'rgb(255, 136, 136)', '--red-ui-secondary-border-color': 'rgb(68, 68, 68)' };
      for (const [name, value] of Object.entries(dark)) root.setProperty(name, value);
      const colour = (selector, property) => getComputedStyle($(selector)[0])[property];
      const seen = [colour('.smolvlm-sidebar', 'color'), colour('.smolvlm-frame-head', 'color'),
        colour('.smolvlm-frames .smolvlm-error', 'color'), colour('.smolvlm-frames li', 'borderTopColor')];
      for (const name of Object.keys(dark)) root.removeProperty(name);
      return JSON.stringify([seen, Object.values(dark)]); })()`);
    const [seen, dark] = JSON.parse(String(colours));
    assert.deepEqual(seen, dark);
  });

  it('goes away when it is not wanted, and comes back from the menu', async () => {
    const { page } = editor;
    await page.locator('.smolvlm-sidebar-foot button').click();
    await page.locator('.smolvlm-sidebar').waitFor({ state: 'hidden' });
    assert.equal(await page.evaluate(`RED.sidebar.containsTab('smolvlm-sidebar')`), false);
    await page.evaluate(`$('#menu-item-view-menu-smolvlm-sidebar').trigger('click')`);
    await page.locator(`${shown} .smolvlm-frames li`).first().waitFor({ timeout: 30_000 });
  });

  it('forgets the frames of nodes that were deployed again', async () => {
    await editor.page.evaluate(`$.ajax({ url: 'flows', type: 'POST', contentType: 'application/json',
      headers: { 'Node-RED-Deployment-Type': 'reload', 'Node-RED-API-Version': 'v2' }, data: '{}' })`);
    await editor.page.waitForFunction(`$('.smolvlm-frames li').length === 0`);
  });
});
