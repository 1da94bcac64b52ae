// npm run recording: thirty seconds of the demo in the editor, as docs/img/demo.gif. It needs Chromium and ffmpeg.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { root, setUp } from '../setup.mjs';

setUp();
const { openEditor } = await import('../demo/editor.mjs');

const [seconds, picturesPerSecond] = [30, 2];
/** A page of a documentation should not be slow because of one picture. */
const mostBytes = 3_000_000;

const frames = join(root, 'models', 'demo-frames');
const out = join(root, 'docs', 'img', 'demo.gif');
const folder = mkdtempSync(join(tmpdir(), 'smolvlm-recording-'));
const shots = join(folder, 'shots');
mkdirSync(shots);
const editor = await openEditor(join(root, 'examples', 'flows.json'), { width: 1200, height: 700 });
try {
  const { page, broker } = editor;
  const subscribed = broker.subscribed('cameras/+/frame');
  await subscribed;
  await editor.load();
  await page.evaluate(() => window.RED.sidebar.show('smolvlm-sidebar'));
  const files = readdirSync(frames).filter((name) => name.endsWith('.jpg'));
  // The model is prepared and loaded before the recording.
  await publish(files[0]);
  await page.locator('.smolvlm-frames li').first().waitFor({ timeout: 180_000 });
  await delay(1_000);
  await record(page, files.slice(1));
} finally {
  await editor.close();
}
animate();
rmSync(folder, { recursive: true, force: true });

/** A picture of the page twice a second, and a new frame of a camera every three seconds. */
async function record(page, files) {
  const count = seconds * picturesPerSecond;
  const frameEvery = Math.floor(count / files.length);
  const begin = Date.now();
  for (let index = 0; index < count; index++) {
    if (index % frameEvery === 0 && files[index / frameEvery]) await publish(files[index / frameEvery]);
    await page.screenshot({ path: join(shots, `${String(index).padStart(3, '0')}.png`) });
    await delay(Math.max(0, begin + ((index + 1) * 1000) / picturesPerSecond - Date.now()));
  }
}

function publish(file) {
  return editor.broker.publish(`cameras/${file.split('_')[2]}/frame`, readFileSync(join(frames, file)));
}

function animate() {
  const palette =
    'split[a][b];[a]palettegen=max_colors=96:stats_mode=full[p];[b][p]paletteuse=dither=none:diff_mode=rectangle';
  const input = ['-framerate', String(picturesPerSecond), '-i', join(shots, '%03d.png')];
  const made = spawnSync('ffmpeg', ['-y', '-v', 'error', ...input, '-vf', palette, '-loop', '0', out]);
  if (made.status !== 0) throw new Error(`ffmpeg: ${made.error?.message ?? made.stderr}`);
  const { size } = statSync(out);
  if (size > mostBytes) throw new Error(`${out} has ${size} bytes, expected at most ${mostBytes}`);
  process.stderr.write(`${out}: ${Math.round(size / 1000)} kB\n`);
}
