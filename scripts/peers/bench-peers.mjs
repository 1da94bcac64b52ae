// npm run bench:peers -- --llama DIR [--model CHECKPOINT] [--threads 2] [--passes 5] [--transformers-js DIR]: this package
// against llama.cpp, and transformers.js, with the same weights on the same cores. Each measurement is a separate process,
// so that no thread of another one spins; all take turns, and the fastest pass of each counts. Prints JSON: times, their
// spread, ratios, machine and load.
// DIR holds llama.cpp's bin/llama-bench and bin/llama-mtmd-cli, and the converted checkpoint: text-Q8_0.gguf,
// text-Q4_0.gguf, mmproj-f16.gguf. The DIR of transformers.js: export-for-transformers-js.py writes it and says the rest.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { root, setUp } from '../setup.mjs';

const shortContext = 100;
const longContext = 900;
const captionTokens = 64;
const decodeSteps = 32;

const { values } = parseArgs({
  options: {
    llama: { type: 'string' },
    model: { type: 'string' },
    threads: { type: 'string', default: String(Math.min(2, availableParallelism())) },
    passes: { type: 'string', default: '5' },
    'transformers-js': { type: 'string' },
  },
});
const { llama, model, threads, passes, 'transformers-js': transformersJs } = values;
const needed = [
  'bin/llama-bench',
  'bin/llama-mtmd-cli',
  'text-Q8_0.gguf',
  'text-Q4_0.gguf',
  'mmproj-f16.gguf',
];
const neededOfTransformersJs = [
  ...['', '_quantized'].map((suffix) => `onnx/vision_encoder${suffix}.onnx`),
  ...['_quantized', '_int8', '_q4'].map((suffix) => `onnx/decoder_model_merged${suffix}.onnx`),
  'onnx/embed_tokens.onnx',
  'node_modules/@huggingface/transformers/package.json',
];
const absent = (folder, files) =>
  files.filter((file) => folder === undefined || !existsSync(join(folder, file)));
const missing = absent(llama, needed);
const missingOfTransformersJs =
  transformersJs === undefined ? [] : absent(transformersJs, neededOfTransformersJs);
if (missing.length > 0 || missingOfTransformersJs.length > 0 || model === undefined) {
  console.error(
    'usage: npm run bench:peers -- --llama DIR --model CHECKPOINT [--threads N] [--passes N] [--transformers-js DIR]',
  );
  if (llama !== undefined && missing.length > 0) console.error(`${llama}: not found: ${missing.join(', ')}`);
  if (missingOfTransformersJs.length > 0)
    console.error(`${transformersJs}: not found: ${missingOfTransformersJs.join(', ')}`);
  process.exit(2);
}

/** @returns stdout and stderr together */
function output(file, args) {
  return execFileSync(file, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 2 ** 26,
  });
}

/** Milliseconds: prefill of 100 rows, a decode step at 100 tokens, a step at 900. */
function llamaText(quantisation) {
  const rows = (args) =>
    JSON.parse(
      output(join(llama, 'bin/llama-bench'), [
        ...['-m', join(llama, `text-${quantisation}.gguf`), '-t', threads, '-r', '3', '-o', 'json', ...args],
      ]),
    );
  const [prefill] = rows(['-p', String(shortContext), '-n', '0']);
  const steps = rows(['-p', '0', '-n', String(decodeSteps), '-d', `${shortContext},${longContext}`]);
  const fastest = ({ samples_ns }) => Math.min(...samples_ns) / 1e6;
  const step = (depth) => fastest(steps.find(({ n_depth }) => n_depth === depth)) / decodeSteps;
  return { prefill: fastest(prefill), step: step(shortContext), longStep: step(longContext) };
}

/** Milliseconds of one tile: the fastest of those that llama.cpp encodes of a picture of 512 × 512. */
function llamaTile(picture) {
  const text = execFileSync(
    'sh',
    [
      ...['-c', '"$@" 2>&1', 'sh', join(llama, 'bin/llama-mtmd-cli'), '-m', join(llama, 'text-Q8_0.gguf')],
      ...['--mmproj', join(llama, 'mmproj-f16.gguf'), '--image', picture, '-p', 'Describe this image.'],
      ...['-n', '1', '-t', threads, '--temp', '0'],
    ],
    { encoding: 'utf8', maxBuffer: 2 ** 26 },
  );
  const times = [...text.matchAll(/encoding done in (\d+) ms/g)].map(([, ms]) => Number(ms));
  return { tile: Math.min(...times) };
}

/** The same of this package. */
function ours(part) {
  const main = join(root, 'scripts', 'peers', 'measure.mjs');
  return JSON.parse(output(process.execPath, [main, model, part, threads, String(decodeSteps)]));
}

/** The same of transformers.js. @param part text or vision @param dtype the suffix of the file, in its own words */
function ofTransformersJs(part, dtype) {
  const main = join(root, 'scripts', 'peers', 'measure-transformers-js.mjs');
  return JSON.parse(
    output(process.execPath, [main, transformersJs, part, dtype, threads, String(decodeSteps)]),
  );
}

setUp();
const folder = mkdtempSync(join(tmpdir(), 'smolvlm-peers-'));
try {
  const picture = join(folder, 'tile.png');
  const frame = join(root, 'models', 'demo-frames', 'frame_09_street_day.jpg');
  await sharp(readFileSync(frame)).resize(512, 512, { fit: 'fill' }).png().toFile(picture);
  const measured = {
    int8: () => ours('int8'),
    Q8_0: () => llamaText('Q8_0'),
    int4: () => ours('int4'),
    Q4_0: () => llamaText('Q4_0'),
    vision: () => ours('vision'),
    'f16 mmproj': () => llamaTile(picture),
    ...(transformersJs === undefined
      ? {}
      : {
          'transformers.js q8': () => ofTransformersJs('text', 'q8'),
          'transformers.js int8': () => ofTransformersJs('text', 'int8'),
          'transformers.js q4': () => ofTransformersJs('text', 'q4'),
          'transformers.js vision fp32': () => ofTransformersJs('vision', 'fp32'),
          'transformers.js vision q8': () => ofTransformersJs('vision', 'q8'),
        }),
  };
  const times = {};
  const loadBefore = loadavg()[0];
  for (let pass = 0; pass < Number(passes); pass++) {
    for (const [name, measure] of Object.entries(measured)) {
      console.error(`pass ${pass + 1}/${passes}: ${name}`);
      for (const [what, ms] of Object.entries(measure())) {
        times[name] ??= {};
        times[name][what] ??= [];
        times[name][what].push(ms);
      }
    }
  }
  const best = (name, what) => Math.min(...times[name][what]);
  const captionOf = (text, vision) =>
    best(vision, 'tile') + best(text, 'prefill') + captionTokens * best(text, 'step');
  /** With the faster of its two 8-bit decoders, and of its two towers, for each quantity. */
  const transformersJsRatios = () => {
    const eightBit = ['transformers.js q8', 'transformers.js int8'];
    const towers = ['transformers.js vision fp32', 'transformers.js vision q8'];
    const fastest = (names, what) => Math.min(...names.map((name) => best(name, what)));
    const captions = [...eightBit, 'transformers.js q4'].flatMap((text) =>
      towers.map((tower) => captionOf(text, tower)),
    );
    return {
      int8_decode_vs_transformers_js: fastest(eightBit, 'step') / best('int8', 'step'),
      int4_decode_vs_transformers_js: best('transformers.js q4', 'step') / best('int4', 'step'),
      int8_decode_at_900_vs_transformers_js: fastest(eightBit, 'longStep') / best('int8', 'longStep'),
      int8_prefill_time_vs_transformers_js: best('int8', 'prefill') / fastest(eightBit, 'prefill'),
      tile_time_vs_transformers_js: best('vision', 'tile') / fastest(towers, 'tile'),
      caption_time_vs_best_transformers_js_mix: captionOf('int8', 'vision') / Math.min(...captions),
    };
  };
  const ratios = {
    int8_decode_vs_q8_0: best('Q8_0', 'step') / best('int8', 'step'),
    int4_decode_vs_q4_0: best('Q4_0', 'step') / best('int4', 'step'),
    int8_prefill_time_vs_q8_0: best('int8', 'prefill') / best('Q8_0', 'prefill'),
    tile_time_vs_mmproj: best('vision', 'tile') / best('f16 mmproj', 'tile'),
    caption_time_vs_best_mix:
      captionOf('int8', 'vision') /
      Math.min(captionOf('Q8_0', 'f16 mmproj'), captionOf('Q4_0', 'f16 mmproj')),
    int8_900_vs_100: best('int8', 'step') / best('int8', 'longStep'),
    q8_0_900_vs_100: best('Q8_0', 'step') / best('Q8_0', 'longStep'),
    ...(transformersJs === undefined ? {} : transformersJsRatios()),
  };
  const spread = (list) => {
    const [fastest, slowest] = [Math.min(...list), Math.max(...list)];
    return { fastest_ms: round(fastest), slowest_ms: round(slowest) };
  };
  const machine = {
    cpu: cpus()[0]?.model,
    threads: Number(threads),
    load_before: loadBefore,
    load_after: loadavg()[0],
  };
  const each = Object.fromEntries(
    Object.entries(times).map(([name, parts]) => [
      name,
      Object.fromEntries(Object.entries(parts).map(([what, list]) => [what, spread(list)])),
    ]),
  );
  const rounded = Object.fromEntries(Object.entries(ratios).map(([name, ratio]) => [name, round(ratio)]));
  console.log(
    JSON.stringify(
      { machine, date: new Date().toISOString(), passes: Number(passes), ratios: rounded, times: each },
      null,
      2,
    ),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function round(value) {
  return Math.round(value * 100) / 100;
}
