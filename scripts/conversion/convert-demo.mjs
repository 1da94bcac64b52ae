// npm run report:conversion: converts the demo model with --precision auto, plain and with planted outliers, and compares the
// captions of the shards in the toolkit's simulator with those of the plain model in float32 on the CPU, frame by frame;
// writes docs/conversion-demo.md and a chart. Ends with 1 when more than one caption differs, or outliers cost an INT8 shard.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
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
/** They change nothing in exact arithmetic. */
const planted = ['--factor', '32', '--channels', '6', '--seed', '31'];
const settings = readSettings();
const hooks = { onProgress: () => {}, onToken: () => {}, signal: new AbortController().signal };
try {
  const toolkit = await prepareToolkitEnvironment({
    onProgress: ({ step }) => process.stderr.write(`${step}\n`),
  });
  const reference = await openCaptioner({ model: 'demo', precision: 'float32', settings });
  const expected = await captions(reference, 'demo');
  const outliers = join(work, 'outliers');
  smolvlm('inspect', 'outlier-checkpoint', '--model', 'demo', '--out', outliers, ...planted);
  const plain = await converted('demo', toolkit, expected);
  const spread = await converted(outliers, toolkit, expected);
  writeFileSync(join(root, 'docs', 'img', 'conversion-demo.svg'), validationChart(plain.validation));
  writeFileSync(join(root, 'docs', 'conversion-demo.md'), report(plain, spread));
  for (const { same, of, int8 } of [plain, spread])
    process.stdout.write(`${int8} INT8 shards, ${same} of ${of} captions are the same\n`);
  const isKept = ({ same, of }) => same >= of - 1;
  process.exitCode = isKept(plain) && isKept(spread) && spread.int8 >= plain.int8 ? 0 : 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}

function smolvlm(...args) {
  run(process.execPath, [join(root, 'dist', 'cli', 'main.js'), ...args]);
}

/** @returns name and caption of each shipped frame */
async function captions(captioner, model) {
  const rows = [];
  for (const name of readdirSync(frames).filter((file) => file.endsWith('.jpg'))) {
    const picture = readFileSync(join(frames, name));
    const { text } = await captioner.describe([picture], { model, prompt }, hooks);
    rows.push({ name, text });
    process.stderr.write(`${name}: ${text}\n`);
  }
  await captioner.close();
  return rows;
}

/** Converts a model, captions with its shards, and validates them. */
async function converted(model, toolkit, expected) {
  const out = join(work, `bundle-${basename(model)}`);
  const convert = ['convert', '--model', model, '--out', out, '--target', 'rk3588', '--precision', 'auto'];
  smolvlm(...convert, '--python', toolkit.python);
  const bundle = await readBundle(out);
  const simulator = await openSimulator(bundle, { toolkit, work });
  const found = await captions(await openBundleCaptioner(model, bundle, { settings }, simulator), model);
  const rows = found.map(({ name, text }, index) => ({ name, cpu: expected[index].text, npu: text }));
  const again = await openSimulator(bundle, { toolkit, work });
  const validation = await validateBundle(bundle, again, defaultBounds);
  await again.close();
  const same = rows.filter(({ cpu, npu }) => cpu === npu).length;
  const int8 = bundle.manifest.stages.filter(({ precision }) => precision === 'int8').length;
  return { manifest: bundle.manifest, validation, rows, same, of: rows.length, int8 };
}

function report({ manifest: { stages, toolkitVersion, decoder }, validation, rows, same, int8 }, spread) {
  return `# The demo model, converted
Written by \`npm run report:conversion\`: the embedded demo model is converted for \`rk3588\` with \`--precision auto\`
(rknn-toolkit2 ${toolkitVersion}; ${int8} of ${stages.length} shards are INT8). Its shards run in the toolkit's simulator, with the
bundle's own CPU decoder (${decoder.precision}), and are compared with the float32 CPU path. Nothing here ran on an NPU.

**${same} of ${rows.length} captions are identical**, word for word.

With outliers planted in six channels of each place, times 32 (\`smolvlm inspect outlier-checkpoint\`), ${spread.int8} of
${stages.length} shards are INT8, and ${spread.same} of ${spread.of} captions are identical to those of the plain model.

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
