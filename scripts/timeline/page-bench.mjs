// Fills a timeline with entries and thumbnails, and measures how soon Chromium shows the captions page:
// node scripts/timeline/page-bench.mjs [--entries 100000] [--loads 5] [--folder DIR]
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import sharp from 'sharp';
import { serveEngine } from '../../dist/src/server/serve-engine.js';
import { openTimeline } from '../../dist/src/timeline/sqlite/open-timeline.js';
import { captionText, seeded } from './caption-words.mjs';

const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '100000' },
    loads: { type: 'string', default: '5' },
    folder: { type: 'string' },
  },
});
const count = Number(values.entries);
const folder = values.folder ?? (await mkdtemp(join(tmpdir(), 'smolvlm-page-')));
const frames = join(import.meta.dirname, '..', '..', 'models', 'demo-frames');
const names = (await readdir(frames)).filter((name) => name.endsWith('.jpg'));
const thumbnails = await Promise.all(
  names.map(async (name) =>
    sharp(await readFile(join(frames, name)))
      .resize(192)
      .jpeg()
      .toBuffer(),
  ),
);
const cameras = ['porch', 'drive', 'garden', 'garage', 'street', 'hall', 'shed', 'attic'];

const timeline = await openTimeline({ folder, retention: {} });
const random = seeded(18);
const startMs = Date.now() - count * 26_000;
const { entries: already } = await timeline.statistics();
for (let index = already; index < count; ) {
  const batch = [];
  for (; batch.length < 500 && index < count; index++) {
    const entry = { camera: cameras[random(8)], text: captionText(random), timeMs: startMs + index * 26_000 };
    batch.push(timeline.add(entry, { thumbnail: thumbnails[random(thumbnails.length)] }));
  }
  await Promise.all(batch);
}
const { size } = await stat(join(folder, 'timeline.db'));
console.log(
  `Node.js ${process.versions.node}, ${cpus()[0]?.model}, load ${loadavg()[0].toFixed(1)}; ${count} entries, ${(size / 1e6).toFixed(0)} MB`,
);

const served = await serveEngine({
  tcp: { host: '127.0.0.1', port: 0 },
  model: 'demo',
  log: () => {},
  timeline,
});
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
});
try {
  for (const [name, viewport] of [
    ['phone', { width: 390, height: 844 }],
    ['desktop', { width: 1280, height: 800 }],
  ]) {
    const times = [];
    for (let load = 0; load < Number(values.loads); load++) times.push(await measure(viewport));
    for (const what of Object.keys(times[0])) {
      const sorted = times.map((each) => each[what]).sort((a, b) => a - b);
      console.log(`${name}: ${what}: median ${sorted[sorted.length >> 1]}, most ${sorted.at(-1)}`);
    }
  }
} finally {
  await browser.close();
  await served.close();
  await timeline.close();
  if (values.folder === undefined) await rm(folder, { recursive: true, force: true });
}

/** One load in a browser without a cache; milliseconds since the navigation began. */
async function measure(viewport) {
  const context = await browser.newContext({ viewport, locale: 'en-GB' });
  const page = await context.newPage();
  let requests = 0;
  let bytes = 0;
  page.on('response', async (response) => {
    requests++;
    bytes += Number((await response.allHeaders())['content-length'] ?? 0);
  });
  await page.addInitScript(`new MutationObserver((_, observer) => {
    if (!document.querySelector('li[data-entry]')) return;
    observer.disconnect();
    requestAnimationFrame(() => (window.rowsMs = performance.now()));
  }).observe(document, { subtree: true, childList: true });`);
  await page.goto(`${served.url}/timeline/`);
  await page.waitForFunction(() => window.rowsMs);
  await page.waitForFunction(
    () => {
      const images = [...document.querySelectorAll('.thumbnail img')].filter(
        (each) => each.getBoundingClientRect().top < innerHeight,
      );
      const all = images.length > 4 && images.every((each) => each.complete && each.naturalWidth > 0);
      if (all) window.thumbnailsMs ??= performance.now();
      return all;
    },
    { polling: 'raf' },
  );
  const { rowsMs, thumbnailsMs } = await page.evaluate(() => ({
    rowsMs: Math.round(window.rowsMs),
    thumbnailsMs: Math.round(window.thumbnailsMs),
  }));
  await context.close();
  return {
    'rows, ms': rowsMs,
    'thumbnails of the screen, ms': thumbnailsMs,
    requests,
    'kB with a length': Math.round(bytes / 1000),
  };
}
