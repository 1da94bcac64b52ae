import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../setup.mjs';
import { startBroker } from './broker.mjs';
import { stopEngine } from './engine.mjs';
import { freePort, startNodeRed } from './node-red.mjs';

/**
 * The editor of a real Node-RED in headless Chromium, with an MQTT broker and an engine of its flows only.
 * @param flows file of flows
 * @param size of the page, in pixels
 */
export async function openEditor(flows, size) {
  const { chromium } = await import('playwright-core');
  const folder = mkdtempSync(join(tmpdir(), 'smolvlm-editor-'));
  const runtime = join(folder, 'run');
  const broker = await startBroker(0);
  const nodeRed = await startNodeRed({
    root,
    folder,
    port: await freePort(0),
    flows,
    broker: broker.port,
    environment: { SMOLVLM_RUNTIME_DIR: runtime },
    log: () => {},
  });
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  });
  const page = await browser.newPage({ viewport: size });
  const faults = [];
  page.on('pageerror', (error) => faults.push(error.message));
  return {
    page,
    broker,
    /** Loads the editor. */
    async load() {
      await page.goto(nodeRed.url, { timeout: 120_000 });
      const palette = '.red-ui-palette-node[data-palette-type="smolvlm-caption"]';
      await page.waitForSelector(palette, { timeout: 120_000 });
    },
    /** Ends everything. @throws when the editor threw */
    async close() {
      await browser.close();
      await nodeRed.stop();
      await stopEngine(runtime);
      await broker.close();
      rmSync(folder, { recursive: true, force: true });
      if (faults.length > 0) throw new Error(`the editor threw: ${faults.join('; ')}`);
    },
  };
}
