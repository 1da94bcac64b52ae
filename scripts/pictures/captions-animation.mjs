// Makes the README's picture from what the demo answers:
// npm run --silent demo -- --once | node scripts/pictures/captions-animation.mjs docs/img/captions.gif
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from '../setup.mjs';

const [out] = process.argv.slice(2);
if (out === undefined) throw new Error('expected the file to write');

/** Not all twelve: each costs a reader's time and 40 KB. */
const shown = /frame_(01|05|06|09|11|12)_/;
const [width, height, barHeight] = [480, 360, 84];
const frameMs = 3000;

const { default: sharp } = await import('sharp');
const pictures = [];
for await (const line of createInterface({ input: process.stdin })) {
  if (!line.startsWith('{')) continue;
  const { frame, camera, text, timings_ms } = JSON.parse(line);
  if (shown.test(frame)) pictures.push(await captioned(frame, camera, text, timings_ms.total));
}
if (pictures.length === 0)
  throw new Error('expected the JSON lines of npm run demo -- --once, received none');
const animation = sharp(pictures, { join: { animated: true } });
writeFileSync(
  out,
  await animation.gif({ dither: 0.3, delay: pictures.map(() => frameMs), loop: 0 }).toBuffer(),
);

async function captioned(frame, camera, text, totalMs) {
  const seconds = (totalMs / 1000).toFixed(1);
  const spans = lines(text, 56).map(
    (line, index) => `<text x="10" y="${height + 40 + 17 * index}" font-size="14" fill="#fff">${line}</text>`,
  );
  const bar = `<svg width="${width}" height="${height + barHeight}" font-family="DejaVu Sans, sans-serif">
    <rect y="${height}" width="${width}" height="${barHeight}" fill="#222"/>
    <text x="10" y="${height + 19}" font-size="12" fill="#8cd0ff">${camera} · ${seconds} s</text>${spans.join('')}</svg>`;
  return sharp(join(root, 'models', 'demo-frames', frame))
    .resize(width, height, { fit: 'cover' })
    .extend({ bottom: barHeight, background: '#222' })
    .composite([{ input: Buffer.from(bar) }])
    .png()
    .toBuffer();
}

/** Breaks a sentence into lines of at most so many characters. */
function lines(text, most) {
  const broken = [''];
  for (const word of text.split(' ')) {
    const longer = `${broken.at(-1)} ${word}`.trim();
    if (longer.length > most) broken.push(word);
    else broken[broken.length - 1] = longer;
  }
  return broken;
}
