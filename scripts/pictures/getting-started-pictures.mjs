// Pictures of docs/getting-started.md, after those of scripts/pictures/screenshots.mjs in npm run screenshots: a camera that shows
// demo frames, and the demo model.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { root, setUp } from '../setup.mjs';

setUp();
const { openEditor } = await import('../demo/editor.mjs');

const out = join(root, 'docs', 'img');
const frames = join(root, 'models', 'demo-frames');
const porch = readdirSync(frames).filter((name) => name.includes('_porch_') && name.endsWith('.jpg'));
let requests = 0;
const camera = createServer((_, response) => {
  response.end(readFileSync(join(frames, porch[requests++ % porch.length])));
});
await new Promise((resolve) => camera.listen(0, '127.0.0.1', resolve));
const address = `http://127.0.0.1:${camera.address().port}/snapshot.jpg`;
const folder = mkdtempSync(join(tmpdir(), 'smolvlm-started-'));
const editor = await openEditor(join(root, 'examples', 'flows.json'), { width: 1280, height: 640 });
const { page } = editor;
try {
  await editor.broker.subscribed('cameras/+/frame');
  await editor.load();
  await replaceFlows(ownCamera());
  await page.evaluate(() => window.RED.sidebar.show('debug'));
  await page.locator('.red-ui-debug-msg').nth(1).waitFor({ timeout: 180_000 });
  await take('start-caption');
  await page.evaluate(() => window.RED.editor.edit(window.RED.nodes.node('start-frame')));
  await page.waitForSelector('#node-input-url', { state: 'visible' });
  // The address of a reader's camera, not that of this one.
  await page.fill('#node-input-url', 'http://192.168.1.20/cgi-bin/snapshot.cgi');
  await delay(700);
  await page
    .locator('.red-ui-tray')
    .last()
    .screenshot({ path: join(out, 'start-frame.png') });
  await page.click('#node-dialog-cancel');
  await delay(700);
  const doorbell = readFileSync(join(root, 'docs', 'cookbook', 'doorbell.md'), 'utf8');
  await replaceFlows(JSON.parse(/^```json\n([\s\S]*?)^```/m.exec(doorbell)[1]));
  await page.setViewportSize({ width: 1480, height: 480 });
  await page.evaluate(() => window.RED.sidebar.show('info'));
  await take('start-notification');
} finally {
  await editor.close();
  camera.closeAllConnections();
  camera.close();
  rmSync(folder, { recursive: true, force: true });
}

async function take(name) {
  await delay(1_500);
  await page.screenshot({ path: join(out, `${name}.png`) });
}

/** Deploys these flows in place of those that run, and loads the editor with them. */
async function replaceFlows(flows) {
  const status = await page.evaluate(
    async (nodes) =>
      (
        await fetch('flows', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(nodes),
        })
      ).status,
    flows,
  );
  if (status >= 300) throw new Error(`expected the flows to be deployed, received ${status}`);
  await editor.load();
}

/** What the reader has built at the end of the page. */
function ownCamera() {
  const read = (name) => JSON.parse(readFileSync(join(root, 'examples', name), 'utf8'));
  const nodes = read('snapshot to caption.json');
  const of = (type) => nodes.find((node) => node.type === type);
  const z = 'start-tab';
  const debug = of('debug');
  return [
    { id: z, type: 'tab', label: 'Front porch', disabled: false, info: '', env: [] },
    of('smolvlm-engine'),
    {
      ...of('smolvlm-frame'),
      ...{ id: 'start-frame', z, name: 'porch', camera: 'porch', url: address, interval: '5' },
      ...{ x: 130, y: 120, wires: [['start-caption'], []] },
    },
    {
      ...of('smolvlm-caption'),
      id: 'start-caption',
      z,
      x: 290,
      y: 120,
      wires: [['start-debug', 'start-timeline'], []],
    },
    { ...debug, id: 'start-debug', z, name: 'caption', complete: 'payload', x: 480, y: 80, wires: [] },
    {
      ...{ id: 'start-timeline', type: 'smolvlm-timeline', z, name: '', folder: join(folder, 'timeline') },
      ...{
        engine: '',
        keep: 'thumbnail',
        image: 'picture',
        imageType: 'msg',
        camera: 'camera',
        cameraType: 'msg',
      },
      ...{ days: '', megabytes: '', cameraLimits: '', digest: 'none', digestTime: '20:00' },
      ...{ x: 490, y: 160, wires: [[], [], []] },
    },
  ];
}
