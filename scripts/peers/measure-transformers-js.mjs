// One measurement of bench-peers.mjs with transformers.js: DIR text|vision DTYPE THREADS STEPS. Prints milliseconds as JSON.
// DIR holds the files of export-for-transformers-js.py and an installed @huggingface/transformers.
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fastest, timed } from './times.mjs';

const [, , folder, part, dtype, threads, steps] = process.argv;
const dir = resolve(folder);
const library = createRequire(join(dir, 'package.json')).resolve('@huggingface/transformers');
const { AutoModelForImageTextToText, DynamicCache, Tensor, env, ones } = await import(
  pathToFileURL(library).href
);
env.allowRemoteModels = false;
env.localModelPath = dirname(dir);
const model = await AutoModelForImageTextToText.from_pretrained(basename(dir), {
  device: 'cpu',
  dtype: { embed_tokens: 'fp32', decoder_model_merged: 'q8', vision_encoder: 'q8', [session()]: dtype },
  session_options: { intraOpNumThreads: Number(threads), interOpNumThreads: 1 },
});
const { text_config: text, vision_config: vision } = model.config;
const random = (dims) =>
  new Tensor(
    'float32',
    Float32Array.from({ length: dims.reduce((size, dim) => size * dim, 1) }, () => Math.random() - 0.5),
    dims,
  );

if (part === 'vision') {
  const tile = { pixel_values: random([1, 1, 3, vision.image_size, vision.image_size]) };
  await model.encode_image(tile);
  console.log(JSON.stringify({ tile: await fastest(() => timed(() => model.encode_image(tile))) }));
} else {
  const rows = (count) => random([1, count, text.hidden_size]);
  const hundred = rows(100);
  await append(new DynamicCache(), hundred);
  const prefill = await fastest(() => timed(() => append(new DynamicCache(), hundred)));
  const row = rows(1);
  const stepAt = async (tokens) =>
    await fastest(async () => {
      const cache = new DynamicCache();
      await append(cache, rows(tokens));
      const all = await timed(async () => {
        for (let count = 0; count < Number(steps); count++) await append(cache, row);
      });
      return all / Number(steps);
    });
  const step = await stepAt(100);
  console.log(JSON.stringify({ prefill, step, longStep: await stepAt(900) }));
}
process.exit(0);

/** The session that the measured precision is for. */
function session() {
  return part === 'vision' ? 'vision_encoder' : 'decoder_model_merged';
}

/** What generate() does at each step, without its sampling: the cache's tensors become the next step's inputs. */
async function append(cache, inputs_embeds) {
  const length = cache.get_seq_length() + inputs_embeds.dims[1];
  const outputs = await model({ inputs_embeds, attention_mask: ones([1, length]), past_key_values: cache });
  const present = Object.entries(outputs).filter(([name]) => name.startsWith('present.'));
  cache.update(
    Object.fromEntries(
      present.map(([name, tensor]) => [name.replace('present.', 'past_key_values.'), tensor]),
    ),
  );
}
