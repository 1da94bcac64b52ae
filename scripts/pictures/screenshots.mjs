// npm run screenshots: pictures of the editor and the captions page, taken in headless Chromium from a real Node-RED and a
// real engine.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { root, setUp } from '../setup.mjs';

setUp();
const { chromium } = await import('playwright-core');
const { freePort, startNodeRed } = await import('../demo/node-red.mjs');
const { startBroker } = await import('../demo/broker.mjs');
const { takeCaptionsPage } = await import('./captions-page-pictures.mjs');

const folder = mkdtempSync(join(tmpdir(), 'smolvlm-shots-'));
const out = join(root, 'docs', 'img');
mkdirSync(out, { recursive: true });
const examples = ['flows', 'convert on a PC and deliver to the hub', 'Home Assistant entities by discovery'];
const all = examples.flatMap((name) =>
  JSON.parse(readFileSync(join(root, 'examples', `${name}.json`), 'utf8')),
);
/** The examples share an engine. */
const nodes = [...new Map(all.map((node) => [node.id, node])).values()];
const flows = join(folder, 'given-flows.json');
writeFileSync(flows, JSON.stringify(nodes, undefined, 2));
const broker = await startBroker(0);
const subscribed = broker.subscribed('cameras/+/frame');
const nodeRed = await startNodeRed({
  root,
  folder,
  port: await freePort(0),
  flows,
  broker: broker.port,
  environment: { SMOLVLM_RUNTIME_DIR: join(folder, 'run') },
  log: () => {},
});
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});
try {
  await subscribed;
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const faults = [];
  page.on('pageerror', (error) => faults.push(error.message));
  await page.goto(nodeRed.url);
  await page.waitForSelector('.red-ui-palette-node[data-palette-type="smolvlm-caption"]', {
    timeout: 60_000,
  });
  await delay(2_000);
  await page.screenshot({ path: join(out, 'editor.png') });
  await edit(page, 'smolvlm-ex-caption');
  await page.screenshot({ path: join(out, 'caption-dialog.png') });
  for (const [preset, prompt] of [
    ['yes-no', 'Is there a parcel on the porch?'],
    ['changed', ''],
    ['json', ''],
  ]) {
    await page.selectOption('#node-input-preset', preset);
    await page.evaluate((text) => window.$('#node-input-prompt').typedInput('value', text), prompt);
    await delay(300);
    await tray(page, `caption-dialog-${preset}.png`);
  }
  await page.click('a[href="#smolvlm-caption-tab-answer"]');
  await page.fill('#node-input-deadline', '8');
  await page.fill('#node-input-fallback', 'Someone is at the {{camera}} camera');
  await page.check('#node-input-late');
  await delay(300);
  await tray(page, 'caption-dialog-answer.png');
  await page.click('#node-dialog-cancel');
  await delay(700);
  await editConfig(page, 'smolvlm-captions');
  await page.locator('.smolvlm-models tr').first().waitFor({ timeout: 60_000 });
  for (const tab of ['model', 'queue', 'runtime']) {
    await page.click(`a[href="#smolvlm-engine-tab-${tab}"]`);
    await delay(300);
    await page.screenshot({ path: join(out, `engine-dialog-${tab}.png`) });
  }
  for (const [tab, picture] of [
    ['check', checkEngine],
    ['try', tryEngine],
  ]) {
    await page.click(`a[href="#smolvlm-engine-tab-${tab}"]`);
    await picture(page);
    // Away from the tab, whose tooltip would cover the picture.
    await page.mouse.move(0, 0);
    await delay(700);
    await page.screenshot({ path: join(out, `engine-dialog-${tab}.png`) });
  }
  await page.click('#node-config-dialog-cancel');
  await delay(700);
  for (const [type, isShown] of [
    ['convert', ({ target }) => target === 'rk3588'],
    ['mqtt', ({ cameras }) => cameras.length > 0],
  ]) {
    const { id } = nodes.find((node) => node.type === `smolvlm-${type}` && isShown(node));
    await open(page, id);
    await page.screenshot({ path: join(out, `${type}-dialog.png`) });
    await page.click('#node-dialog-cancel');
    await delay(700);
  }
  await sidebar(page);
  await page.screenshot({ path: join(out, 'sidebar.png') });
  await drawMask(page);
  await page.screenshot({ path: join(out, 'frame-dialog.png') });
  await takeCaptionsPage(browser, join(folder, 'timeline'), out);
  if (faults.length > 0) throw new Error(`the editor threw: ${faults.join('; ')}`);
} finally {
  await browser.close();
  await nodeRed.stop();
  await broker.close();
  rmSync(folder, { recursive: true, force: true });
}

async function open(page, id) {
  await page.evaluate((node) => window.RED.editor.edit(window.RED.nodes.node(node)), id);
  await page.waitForSelector('#node-input-name', { state: 'visible' });
  await delay(1_500);
}

async function checkEngine(page) {
  await page.click('#smolvlm-engine-check');
  await page.waitForSelector('.smolvlm-check table', { timeout: 60_000 });
  await delay(300);
}

async function tryEngine(page) {
  await page.setInputFiles('#smolvlm-try-file', demoFrame('frame_09_street_day.jpg'));
  await page.waitForSelector('.smolvlm-try-total', { timeout: 120_000 });
  await delay(300);
}

/** The sidebar with what the cameras showed. */
async function sidebar(page) {
  const frames = {
    driveway: 'frame_01_driveway_day',
    porch: 'frame_05_porch_day',
    street: 'frame_09_street_day',
  };
  await page.evaluate(() => window.RED.sidebar.show('smolvlm-sidebar'));
  for (const [index, [camera, file]] of Object.entries(frames).entries()) {
    await broker.publish(`cameras/${camera}/frame`, readFileSync(demoFrame(`${file}.jpg`)));
    await page.locator('.smolvlm-frames li').nth(index).waitFor({ timeout: 120_000 });
  }
  await delay(1_000);
}

/** The frame node's dialog with a mask and a zone on the last picture. */
async function drawMask(page) {
  await open(page, 'smolvlm-ex-frame');
  await page.click('a[href="#smolvlm-frame-tab-picture"]');
  await page.waitForFunction(() => document.getElementById('smolvlm-frame-canvas').height === 480);
  const box = await page.locator('#smolvlm-frame-canvas').boundingBox();
  const at = ([x, y]) => [box.x + x * box.width, box.y + y * box.height];
  const corners = [
    [0.02, 0.05],
    [0.42, 0.08],
    [0.42, 0.4],
    [0.02, 0.45],
  ];
  for (const corner of [...corners, corners[0]]) {
    await page.mouse.click(...at(corner));
    await page.mouse.move(...at([0.5, 0.02]));
  }
  await page.click('#smolvlm-frame-zone');
  await page.mouse.move(...at([0.5, 0.5]));
  await page.mouse.down();
  await page.mouse.move(...at([0.95, 0.95]), { steps: 5 });
  await page.mouse.up();
}

function demoFrame(file) {
  return join(root, 'models', 'demo-frames', file);
}

async function edit(page, id) {
  await page.evaluate((node) => window.RED.editor.edit(window.RED.nodes.node(node)), id);
  await page.waitForSelector('#node-input-engine', { state: 'visible' });
  await delay(800);
}

/** The dialog alone. */
async function tray(page, file) {
  await page
    .locator('.red-ui-tray')
    .last()
    .screenshot({ path: join(out, file) });
}

async function editConfig(page, id) {
  await page.evaluate((node) => window.RED.editor.editConfig('', 'smolvlm-engine', node), id);
  await page.waitForSelector('#node-config-input-location', { state: 'visible' });
  await delay(800);
}
