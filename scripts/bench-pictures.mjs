// Preparing pictures against Pillow: `npm run bench:pictures -- --python PYTHON`, a Python with Pillow 13 and NumPy.
// Both do the resizes of the reference processor on the same sizes, in turns; the fastest of 7 passes counts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import tiles from '../dist/src/image/tiles.js';

const { values } = parseArgs({ options: { python: { type: 'string', default: 'python3' } } });
const settings = { longestEdge: 2048, maxImageSize: 512 };
const passes = 7;

/** Reads `[width, height, [[width, height], …]]` a line, answers with the milliseconds of one chain of resizes. */
const pillow = `
import json, sys, time
import numpy as np
from PIL import Image
pictures = {}
for line in sys.stdin:
    width, height, steps = json.loads(line)
    if (width, height) not in pictures:
        noise = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
        pictures[width, height] = Image.fromarray(noise)
    picture = pictures[width, height]
    start = time.perf_counter()
    for size in steps:
        picture = picture.resize(tuple(size), Image.LANCZOS)
    print(1000 * (time.perf_counter() - start), flush=True)
`;

const python = spawn(values.python, ['-c', pillow], { stdio: ['pipe', 'pipe', 'inherit'] });
const answers = createInterface({ input: python.stdout })[Symbol.asyncIterator]();
python.on('error', (error) => {
  console.error(`cannot start ${values.python}: ${error.message}. Name a Python that has Pillow: --python`);
  process.exit(1);
});

async function pillowTime(request) {
  python.stdin.write(`${JSON.stringify(request)}\n`);
  const { value, done } = await answers.next();
  if (done) throw new Error('Python ended. It needs Pillow 13 and NumPy.');
  return Number(value);
}

function ownTime(picture, detail) {
  const start = performance.now();
  tiles.prepareTiles(picture, settings, detail);
  return performance.now() - start;
}

/** The sizes after each resize of src/image/tiles.ts. */
function steps(width, height, detail) {
  const { cols, rows } = tiles.tileGrid(width, height, settings, 'full');
  const short = Math.trunc((2048 * Math.min(width, height)) / Math.max(width, height));
  const edge = [2048, short + (short % 2)];
  return detail === 'low' ? [edge, [512, 512]] : [edge, [cols * 512, rows * 512], [512, 512]];
}

console.log('| picture | detail | this package | Pillow | ratio |\n|---|---|---|---|---|');
for (const [width, height] of [
  [640, 480],
  [1280, 720],
  [1920, 1080],
  [2560, 1440],
  [3840, 2160],
]) {
  const data = Uint8Array.from({ length: width * height * 3 }, () => Math.random() * 256);
  for (const detail of ['low', 'full']) {
    const own = [];
    const other = [];
    for (let pass = 0; pass < passes; pass++) {
      own.push(ownTime({ width, height, data }, detail));
      other.push(await pillowTime([width, height, steps(width, height, detail)]));
    }
    const [mine, theirs] = [Math.min(...own), Math.min(...other)];
    console.log(
      `| ${width}×${height} | ${detail} | ${mine.toFixed(1)} ms | ${theirs.toFixed(1)} ms | ${(mine / theirs).toFixed(2)} |`,
    );
  }
}
python.stdin.end();
await once(python, 'close');
