import assert from 'node:assert/strict';
import type { Route } from 'playwright-core';
import type { ListedEngine } from '../../src/node-red/engine/engine-overview';
import type { EngineStatus } from '../../src/protocol/engine-status';
import type { ServedEngine } from '../../src/server/serve-engine';
import { demoFrame } from '../fixtures';
import { serveFake } from '../server/served-fake';
import { Editor, hasChromium } from './editor';

const inject = (id: string, to: string, payload: string, payloadType: string) => ({
  id,
  type: 'inject',
  z: 'tab',
  wires: [[to]],
  props: [{ p: 'payload' }],
  payload,
  payloadType,
});

const caption = (id: string, engine: string, camera: string) => ({
  id,
  type: 'smolvlm-caption',
  z: 'tab',
  engine,
  image: 'payload',
  imageType: 'msg',
  camera,
  cameraType: 'str',
  wires: [[], []],
});

const driveway = demoFrame('frame_01_driveway_day.jpg');
const loginPage = JSON.stringify([...Buffer.from('<html>Please log in</html>')]);

/** @param url of the hub */
const flow = (url = '') => [
  { id: 'tab', type: 'tab', label: 'Flow' },
  { id: 'engine', type: 'smolvlm-engine', name: 'Hall', location: 'local', model: 'demo', idle: 30 },
  { id: 'hub', type: 'smolvlm-engine', name: 'Hub', location: 'remote', url, model: 'fake' },
  inject('ask', 'caption', driveway, 'str'),
  inject('spoil', 'caption', loginPage, 'bin'),
  inject('ask-hub', 'hub-caption', driveway, 'str'),
  caption('caption', 'engine', 'driveway'),
  caption('hub-caption', 'hub', 'gate'),
];

describe('sidebar in a browser (needs Chromium)', function () {
  this.timeout(120_000);
  let editor: Editor;
  /** An engine elsewhere, with an NPU. */
  let hub: ServedEngine | undefined;

  before(async function () {
    if (!hasChromium) this.skip();
    hub = await serveFake();
    editor = await Editor.open(flow(hub.url));
  });
  after(async () => {
    await editor?.close();
    await hub?.close();
  });
  afterEach(() => assert.deepEqual(editor.faults, []));

  const shown = '.smolvlm-engine[data-engine="engine"]';
  const text = async (selector: string): Promise<string> =>
    (await editor.page.locator(`${shown} ${selector}`).first().textContent()) ?? '';

  it('lists an engine that sleeps, and leaves it asleep', async () => {
    await editor.page.evaluate(`RED.sidebar.show('smolvlm-sidebar')`);
    await editor.page.locator(shown).waitFor({ timeout: 30_000 });
    assert.match(await text('.smolvlm-engine-title'), /Hall.*starts with the first picture/);
  });

  it('shows backend, memory, queue, and the frame with its caption as soon as one was described', async () => {
    await editor.page.evaluate(`$.post('inject/ask')`);
    await editor.page.locator(`${shown} .smolvlm-frames li`).waitFor({ timeout: 90_000 });
    assert.match(await text('.smolvlm-frames li'), /driveway.*A black cat sits on the left of the driveway/);
    const image = `$('.smolvlm-frames img')[0]`;
    assert.deepEqual(
      await editor.page.evaluate(`[${image}.naturalWidth, ${image}.naturalHeight]`),
      [192, 144],
    );
    assert.match(await text('.smolvlm-engine-title'), /ready/);
    assert.match(await text('.smolvlm-model'), /demo: onnxruntime int8/);
    assert.match(
      await text('.smolvlm-engine-facts'),
      /this machine.*Memory: \d+ MB\. Models may use [\d.]+ [MG]B\./,
    );
    const counts = editor.page.locator(`${shown} tr[data-camera="driveway"] td`);
    assert.deepEqual(await counts.allTextContents(), ['0', '0', '1', '0', '0']);
  });

  it('turns the titles of the counts, but not those of Chinese, which are short', async () => {
    const modeIn = async ({ page }: Editor): Promise<unknown> => {
      await page.evaluate(`RED.sidebar.show('smolvlm-sidebar')`);
      const title = page.locator(`${shown} .smolvlm-queues thead th`).last();
      await title.waitFor({ timeout: 30_000 });
      return title.evaluate((cell) => getComputedStyle(cell).writingMode);
    };
    assert.equal(await modeIn(editor), 'vertical-rl');
    const chinese = await Editor.openOn(editor, 'zh-CN');
    try {
      assert.equal(await modeIn(chinese), 'horizontal-tb');
    } finally {
      await chinese.close();
    }
  });

  it('shows the load of each core of a hub’s NPU, and why the CPU encoded a frame', async () => {
    await editor.page.evaluate(`$.post('inject/ask-hub')`);
    const hubShown = editor.page.locator('.smolvlm-engine[data-engine="hub"]');
    await hubShown.locator('.smolvlm-core').nth(2).waitFor({ timeout: 30_000 });
    const cores = await hubShown.locator('.smolvlm-core').allTextContents();
    assert.equal(cores.length, 3);
    const fallback = await hubShown.locator('.smolvlm-frame-fallback').textContent();
    assert.equal(fallback, 'on the CPU: held by another');
    assert.match(
      (await hubShown.locator('.smolvlm-model').textContent()) ?? '',
      /NPU shared with process 640 \(frigate\.detector:rknn\)/,
    );
    for (const [core, words] of cores.entries()) assert.match(words, new RegExp(`^Core ${core}: \\d+ %$`));
    assert.match(
      (await hubShown.locator('.smolvlm-engine-facts').textContent()) ?? '',
      /http:\/\/127\.0\.0\.1/,
    );
  });

  it('shows what failed, and what to do about it', async () => {
    await editor.page.evaluate(`$.post('inject/spoil')`);
    const failed = editor.page.locator(`${shown} .smolvlm-frames .smolvlm-error`);
    await failed.waitFor({ timeout: 30_000 });
    assert.match((await failed.textContent()) ?? '', /^image-html .*requires a login/);
    assert.equal(await editor.page.locator(`${shown} .smolvlm-frames li`).count(), 2);
    assert.match(await text('.smolvlm-errors summary'), /1/);
  });

  it('asks for the engines again only after an answer', async () => {
    const { page } = editor;
    const address = '**/smolvlm-sidebar/engines**';
    const held: Route[] = [];
    await page.route(address, (route) => void held.push(route));
    while (held.length === 0) await page.waitForTimeout(50);
    for (const tab of ['info', 'smolvlm-sidebar', 'info', 'smolvlm-sidebar'])
      await page.evaluate(`RED.sidebar.show('${tab}')`);
    // Requests are noticed in their order: one that the tabs caused comes before this one.
    await page.evaluate(`$.get('settings')`);
    assert.equal(held.length, 1);
    await held[0]?.fulfill({ json: { engines: [] } });
    while (held.length === 1) await page.waitForTimeout(50);
    await held[1]?.continue();
    await page.unroute(address);
    await page.locator(`${shown} .smolvlm-engine-title`).waitFor({ timeout: 30_000 });
  });

  it('shows a row for each hub of a group, and what waits in the queue that they share', async () => {
    const { page } = editor;
    const address = '**/smolvlm-sidebar/engines**';
    const cameras = { gate: { waiting: 0, running: 1, done: 5, failed: 0, dropped: {} } };
    const memory = { rssBytes: 1, modelLimitBytes: 1 };
    const group: ListedEngine = {
      ...{ id: 'group', name: 'Hubs', model: '', place: 'nats://one:4222', state: 'connected' },
      ...{ frames: [], oldestSequence: 0 },
      status: { cameras, memory, models: [], coreLoad: [], lastErrors: [] } as unknown as EngineStatus,
      group: {
        hubs: [
          { name: 'attic:7', backends: ['rknn'], load: 0.25, lastMinute: 12 },
          { name: 'cellar:9', backends: [], lastMinute: 3 },
        ],
        queue: { cameras: { gate: 2 }, working: 1, redelivered: 1, oldestMs: 1500 },
      },
    };
    await page.route(address, (route) => route.fulfill({ json: { engines: [group] } }));
    const box = page.locator('.smolvlm-engine[data-engine="group"]');
    await box.waitFor({ timeout: 30_000 });
    const cells = (row: string) => box.locator(`${row} > *`).allTextContents();
    assert.deepEqual(await cells('[data-hub="attic:7"]'), ['attic:7', 'rknn', '25 %', '12']);
    assert.deepEqual(await cells('[data-hub="cellar:9"]'), ['cellar:9', 'no model loaded', '–', '3']);
    assert.deepEqual(await cells('[data-queue="gate"]'), ['gate', '2']);
    assert.deepEqual(await cells('[data-camera="gate"]'), ['gate', '5', '0', '0']);
    assert.deepEqual(await box.locator('.smolvlm-shared-queue').allTextContents(), [
      'In progress: 1, redelivered: 1',
      'Oldest frame: 1.50 s',
    ]);
    await page.unroute(address);
    await page.locator(`${shown} .smolvlm-frames li`).first().waitFor({ timeout: 30_000 });
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
        colour('.smolvlm-frames .smolvlm-error', 'borderLeftColor'), colour('.smolvlm-frames li', 'borderTopColor')];
      for (const name of Object.keys(dark)) root.removeProperty(name);
      return JSON.stringify([seen, Object.values(dark)]); })()`);
    const [seen, dark] = JSON.parse(String(colours));
    assert.deepEqual(seen, dark);
  });

  it('is hidden on request, and comes back from the menu', async () => {
    const { page } = editor;
    await page.locator('.smolvlm-sidebar-foot button').click();
    await page.locator('.smolvlm-sidebar').waitFor({ state: 'hidden' });
    assert.equal(await page.evaluate(`RED.sidebar.containsTab('smolvlm-sidebar')`), false);
    await page.evaluate(`$('#menu-item-view-menu-smolvlm-sidebar').trigger('click')`);
    await page.locator(`${shown} .smolvlm-frames li`).first().waitFor({ timeout: 30_000 });
  });

  it('removes the frames of nodes that were deployed again', async () => {
    await editor.page.evaluate(`$.ajax({ url: 'flows', type: 'POST', contentType: 'application/json',
      headers: { 'Node-RED-Deployment-Type': 'reload', 'Node-RED-API-Version': 'v2' }, data: '{}' })`);
    await editor.page.waitForFunction(`$('.smolvlm-frames li').length === 0`);
  });
});
