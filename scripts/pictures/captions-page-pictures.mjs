// Pictures of the captions page for scripts/pictures/screenshots.mjs: an engine with the demo model describes the demo frames, and
// the page shows them on a phone and on a desktop.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import sharp from 'sharp';
import { root } from '../setup.mjs';

const require = createRequire(import.meta.url);
const dist = (path) => require(join(root, 'dist', 'src', path));
const minute = 60_000;

/** @param folder for the timeline, empty @param out where the pictures go */
export async function takeCaptionsPage(browser, folder, out) {
  const { openTimeline } = dist('timeline/sqlite/open-timeline.js');
  const { serveEngine } = dist('server/serve-engine.js');
  const { EngineClient } = dist('client/engine-client.js');
  const serve = (more = {}) =>
    serveEngine({ tcp: { host: '127.0.0.1', port: 0 }, model: 'demo', log: () => {}, ...more });
  const timeline = await openTimeline({ folder, retention: {} });
  // An engine with a timeline would keep the captions by itself, with the time of now.
  const captioner = await serve();
  const client = new EngineClient({ kind: 'remote', url: new URL(captioner.url) });
  try {
    await fill(timeline, client);
  } finally {
    await client.close();
    await captioner.close();
  }
  const served = await serve({ timeline });
  try {
    for (const [name, options, take] of views) {
      const context = await browser.newContext({ locale: 'en-GB', deviceScaleFactor: 1, ...options });
      const page = await context.newPage();
      await page.goto(`${served.url}/timeline/`);
      await page.locator('.thumbnail img[src]').nth(4).waitFor();
      await take(page);
      const shown = await page.screenshot();
      await sharp(shown)
        .png({ palette: true })
        .toFile(join(out, `${name}.png`));
      await context.close();
    }
  } finally {
    await served.close();
    await timeline.close();
  }
}

const phone = { viewport: { width: 390, height: 844 } };
const desktop = { viewport: { width: 1280, height: 800 } };
const views = [
  ['captions-page-phone', phone, async () => {}],
  ['captions-page-phone-entry', { ...phone, colorScheme: 'dark' }, openEntry],
  ['captions-page', desktop, openEntry],
  ['captions-page-dark', { ...desktop, colorScheme: 'dark' }, openEntry],
];

async function openEntry(page) {
  await page.locator('li[data-entry]', { hasText: 'cat' }).first().locator('a').click();
  await page.waitForFunction(() => document.querySelector('.entry-picture img').naturalWidth > 300);
  await page.fill('#question', 'How many cars are there?');
}

/** The demo frames with the demo model's captions, as if they had been taken in the last two days. */
async function fill(timeline, client) {
  const frames = join(root, 'models', 'demo-frames');
  const files = readdirSync(frames).filter((name) => name.endsWith('.jpg'));
  for (const [index, file] of files.entries()) {
    const picture = readFileSync(join(frames, file));
    const thumbnail = await sharp(picture).resize(192).jpeg().toBuffer();
    const [, , camera] = file.split('_');
    const prompt = 'Describe this image.';
    const { result } = await client.describe({ prompt, camera }, [picture]);
    const timeMs = Date.now() - (index * 3 + 1) * 47 * minute;
    const facts = { prompt, model: 'demo', seconds: result.timingsMs.total / 1000 };
    const entry = { camera, text: result.text, timeMs, width: 640, height: 480, ...facts };
    await timeline.add(index === 0 ? { ...entry, answers: { 'Is a person visible?': false } } : entry, {
      picture,
      thumbnail,
    });
  }
}
