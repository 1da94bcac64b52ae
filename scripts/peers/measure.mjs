// One measurement of bench-peers.mjs: CHECKPOINT int8|int4|vision THREADS STEPS. Prints milliseconds as JSON.

import { OnnxVisionBackend } from '../../dist/src/backends/onnxruntime/onnx-vision-backend.js';
import { writeOnnxDecoder } from '../../dist/src/convert/bundle/onnx-decoder.js';
import { preparedBundle } from '../../dist/src/convert/bundle/prepared-bundle.js';
import { readModelConfigs } from '../../dist/src/model/checkpoint/checkpoint.js';
import { openDecoder } from '../../dist/src/text/open-decoder.js';
import { openVisionTower } from '../../dist/src/vision/open-vision-tower.js';
import { fastest, timed } from './times.mjs';

const [, , checkpoint, part, threads, steps] = process.argv;
const settings = { threads: Number(threads) };
const precision = part === 'vision' ? 'int8' : part;
const bundle = await preparedBundle(checkpoint, {
  visionPrecision: 'int8',
  decoder: { precision, write: writeOnnxDecoder },
});
const { config } = await readModelConfigs(bundle.dir);
const random = (size) => Float32Array.from({ length: size }, () => Math.random() - 0.5);

if (part === 'vision') {
  const tower = await openVisionTower(bundle, await OnnxVisionBackend.load(settings));
  const { channels, imageSize } = config.vision;
  const tile = random(channels * imageSize ** 2);
  await tower.encode([tile], {});
  console.log(JSON.stringify({ tile: await fastest(() => timed(() => tower.encode([tile], {}))) }));
} else {
  const runner = await openDecoder(bundle, config.text, settings);
  const rows = (count) => random(count * runner.width);
  const context = runner.createContext();
  const hundred = rows(100);
  await context.append(hundred);
  const prefill = await fastest(async () => {
    context.truncate(0);
    return await timed(() => context.append(hundred));
  });
  const row = rows(1);
  const stepAt = async (tokens) =>
    await fastest(async () => {
      context.truncate(tokens);
      const all = await timed(async () => {
        for (let count = 0; count < Number(steps); count++) await context.append(row);
      });
      return all / Number(steps);
    });
  const step = await stepAt(100);
  context.truncate(100);
  await context.append(rows(800), 'none');
  console.log(JSON.stringify({ prefill, step, longStep: await stepAt(900) }));
}
process.exit(0);
