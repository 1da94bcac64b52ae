// npm run screenshots: pictures of the editor for the README, taken in headless Chromium from a real Node-RED.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { root, setUp } from './setup.mjs';

setUp();
const { chromium } = await import('playwright-core');
const { freePort, startNodeRed } = await import('./demo/node-red.mjs');
const { startBroker } = await import('./demo/broker.mjs');

const folder = mkdtempSync(join(tmpdir(), 'smolvlm-shots-'));
const out = join(root, 'docs', 'img');
mkdirSync(out, { recursive: true });
const broker = await startBroker(0);
const subscribed = broker.subscribed('cameras/+/frame');
const nodeRed = await startNodeRed({
  root,
  folder,
  port: await freePort(0),
  flows: join(root, 'examples', 'flows.json'),
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
  const page = await browser.newPage({ viewport: { width: 1200, height: 760 } });
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
  for (const preset of ['yes-no', 'changed', 'json']) {
    await page.selectOption('#node-input-preset', preset);
    await delay(300);
    await tray(page, `caption-dialog-${preset}.png`);
  }
  await page.click('a[href="#smolvlm-caption-tab-answer"]');
  await page.fill('#node-input-deadline', '8');
  await page.fill('#node-input-fallback', 'Somebody is at the {{camera}} camera');
  await page.check('#node-input-late');
  await delay(300);
  await tray(page, 'caption-dialog-answer.png');
  await page.click('#node-dialog-cancel');
  await delay(700);
  await editConfig(page, 'smolvlm-ex-engine');
  for (const tab of ['model', 'queue', 'runtime']) {
    await page.click(`a[href="#smolvlm-engine-tab-${tab}"]`);
    await delay(300);
    await page.screenshot({ path: join(out, `engine-dialog-${tab}.png`) });
  }
  if (faults.length > 0) throw new Error(`the editor threw: ${faults.join('; ')}`);
} finally {
  await browser.close();
  await nodeRed.stop();
  await broker.close();
  rmSync(folder, { recursive: true, force: true });
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
