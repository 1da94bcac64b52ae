// npm run report:conversion: converts the demo model with --precision auto and compares the captions its shards give in
// the toolkit's simulator with those of the float32 CPU path, frame by frame; writes docs/conversion-demo.md and a chart.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, run, setUp } from './setup.mjs';

setUp();
const load = createRequire(join(root, 'dist', 'src', 'x.js'));
const { openCaptioner, openBundleCaptioner } = load('./engine/captioner.js');
const { openSimulator } = load('./convert/open-simulator.js');
const { validateBundle } = load('./convert/validate-bundle.js');
const { validationChart } = load('./convert/validation-chart.js');
const { defaultBounds } = load('./convert/npu-stage-part.js');
const { prepareToolkitEnvironment } = load('./convert/toolkit-environment.js');
const { readBundle } = load('./model/read-bundle.js');

const work = mkdtempSync(join(tmpdir(), 'smolvlm-report-'));
const frames = join(root, 'models', 'demo-frames');
const prompt = 'Describe the image.';
const hooks = { onProgress: () => {}, onToken: () => {}, signal: new AbortController().signal };
try {
  const toolkit = await prepareToolkitEnvironment({
    onProgress: ({ step }) => process.stderr.write(`${step}\n`),
  });
  const out = join(work, 'bundle');
  const convert = ['convert', '--model', 'demo', '--out', out, '--target', 'rk3588', '--precision', 'auto'];
  run(process.execPath, [join(root, 'dist', 'cli', 'main.js'), ...convert, '--python', toolkit.python]);
  const bundle = await readBundle(out);

  const reference = await openCaptioner({ model: 'demo', precision: 'float32' });
  const simulator = await openSimulator(bundle, { toolkit, work });
  const shards = await openBundleCaptioner('demo', bundle, {}, simulator);
  const rows = [];
  for (const name of readdirSync(frames).filter((file) => file.endsWith('.jpg'))) {
    const picture = readFileSync(join(frames, name));
    const ask = async (captioner) =>
      (await captioner.describe([picture], { model: 'demo', prompt }, hooks)).text;
    rows.push({ name, cpu: await ask(reference), npu: await ask(shards) });
    process.stderr.write(`${name}: ${rows.at(-1).npu}\n`);
  }
  await reference.close();
  await shards.close();

  const again = await openSimulator(bundle, { toolkit, work });
  const validation = await validateBundle(bundle, again, defaultBounds);
  await again.close();
  writeFileSync(join(root, 'docs', 'img', 'conversion-demo.svg'), validationChart(validation));
  writeFileSync(join(root, 'docs', 'conversion-demo.md'), report(bundle.manifest, validation, rows));
  const same = rows.filter(({ cpu, npu }) => cpu === npu).length;
  process.stdout.write(`${same} of ${rows.length} captions are the same\n`);
  process.exitCode = same >= rows.length - 1 ? 0 : 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}

function report({ stages, toolkitVersion, decoder }, validation, rows) {
  const same = rows.filter(({ cpu, npu }) => cpu === npu).length;
  const int8 = stages.filter(({ precision }) => precision === 'int8').length;
  return `# The demo model, converted
Written by \`npm run report:conversion\`: the embedded demo model converted for \`rk3588\` with \`--precision auto\`
(rknn-toolkit2 ${toolkitVersion}; ${int8} of ${stages.length} shards became INT8), its shards run in the toolkit's simulator with the
bundle's own CPU decoder (${decoder.precision}), against the float32 CPU path. Nothing here ran on an NPU.

**${same} of ${rows.length} captions are the same**, word by word.

| frame | float32 on the CPU | shards in the simulator |
|---|---|---|
${rows.map(({ name, cpu, npu }) => `| ${name} | ${cpu} | ${cpu === npu ? 'the same' : npu} |`).join('\n')}

Shard by shard, on a frame that took no part in the calibration (rows for the decoder: cosine
${validation.endToEndCosine.toFixed(6)}):

![1 − cosine of each shard](img/conversion-demo.svg)

| shard | precision | cosine alone | accumulated | max error | as INT8 |
|---|---|---|---|---|---|
${validation.stages.map((stage) => `| ${stage.name} | ${stage.precision} | ${stage.cosine.toFixed(6)} | ${stage.accumulatedCosine.toFixed(6)} | ${stage.maxAbsError.toPrecision(3)} | ${stage.precision === 'int8' ? 'taken' : 'below a bound'} |`).join('\n')}
`;
}
