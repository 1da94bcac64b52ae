// npm run report:conversion: converts the demo model with --precision auto and compares the captions of its shards in the
// toolkit's simulator with those of the float32 CPU path, frame by frame; writes docs/conversion-demo.md and a chart.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, run, setUp } from '../setup.mjs';

setUp();
const load = createRequire(join(root, 'dist', 'src', 'x.js'));
const { openCaptioner, openBundleCaptioner } = load('./inference/captioner.js');
const { openSimulator } = load('./convert/validate/open-simulator.js');
const { validateBundle } = load('./convert/validate/validate-bundle.js');
const { validationChart } = load('./convert/validate/validation-chart.js');
const { defaultBounds } = load('./convert/npu/npu-stage-part.js');
const { prepareToolkitEnvironment } = load('./convert/toolkit/toolkit-environment.js');
const { readBundle } = load('./model/bundle/read-bundle.js');
const { readSettings } = load('./system/settings.js');

const work = mkdtempSync(join(tmpdir(), 'smolvlm-report-'));
const frames = join(root, 'models', 'demo-frames');
const prompt = 'Describe the image.';
const settings = readSettings();
const hooks = { onProgress: () => {}, onToken: () => {}, signal: new AbortController().signal };
try {
  const toolkit = await prepareToolkitEnvironment({
    onProgress: ({ step }) => process.stderr.write(`${step}\n`),
  });
  const out = join(work, 'bundle');
  const convert = ['convert', '--model', 'demo', '--out', out, '--target', 'rk3588', '--precision', 'auto'];
  run(process.execPath, [join(root, 'dist', 'cli', 'main.js'), ...convert, '--python', toolkit.python]);
  const bundle = await readBundle(out);

  const reference = await openCaptioner({ model: 'demo', precision: 'float32', settings });
  const simulator = await openSimulator(bundle, { toolkit, work });
  const shards = await openBundleCaptioner('demo', bundle, { settings }, simulator);
  const rows = [];
  for (const name of readdirSync(frames).filter((file) => file.endsWith('.jpg'))) {
    const picture = readFileSync(join(frames, name));
    const caption = async (captioner) =>
      (await captioner.describe([picture], { model: 'demo', prompt }, hooks)).text;
    rows.push({ name, cpu: await caption(reference), npu: await caption(shards) });
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
Written by \`npm run report:conversion\`: the embedded demo model is converted for \`rk3588\` with \`--precision auto\`
(rknn-toolkit2 ${toolkitVersion}; ${int8} of ${stages.length} shards are INT8). Its shards run in the toolkit's simulator, with the
bundle's own CPU decoder (${decoder.precision}), and are compared with the float32 CPU path. Nothing here ran on an NPU.

**${same} of ${rows.length} captions are identical**, word for word.

| frame | float32 on the CPU | shards in the simulator |
|---|---|---|
${rows.map(({ name, cpu, npu }) => `| ${name} | ${cpu} | ${cpu === npu ? 'the same' : npu} |`).join('\n')}

Each shard on a frame that was not used for calibration (cosine of the decoder's input rows:
${validation.endToEndCosine.toFixed(6)}):

![1 − cosine of each shard](img/conversion-demo.svg)

| shard | precision | cosine alone | accumulated | max error | as INT8 |
|---|---|---|---|---|---|
${validation.stages.map((stage) => `| ${stage.name} | ${stage.precision} | ${stage.cosine.toFixed(6)} | ${stage.accumulatedCosine.toFixed(6)} | ${stage.maxAbsError.toPrecision(3)} | ${stage.precision === 'int8' ? 'chosen' : 'below a bound'} |`).join('\n')}
`;
}
