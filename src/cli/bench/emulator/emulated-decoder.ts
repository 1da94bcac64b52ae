import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeBundleFile } from '../../../model/bundle/bundle-file';
import type { BundleDecoder } from '../../../model/bundle/bundle-manifest';
import type { Checkpoint } from '../../../model/checkpoint/checkpoint';

const fileName = 'decoder.rkllm';

/** Maximum number of stop tokens in the emulator's header. */
const stopRoom = 8;

/** Writes a checkpoint's language model as the emulator's stand-in for a .rkllm file, in float32. */
export async function writeEmulatedDecoder(
  dir: string,
  checkpoint: Pick<Checkpoint, 'dir' | 'config' | 'tensors'>,
): Promise<BundleDecoder> {
  const { config, tensors } = checkpoint;
  const { text, eosTokenIds, tieWordEmbeddings } = config;
  const header = Buffer.alloc(84);
  header.write('RKLLEMU1', 'latin1');
  const stops = [...eosTokenIds].slice(0, stopRoom);
  const numbers = [
    ...[text.layers, text.hiddenSize, text.heads, text.kvHeads, text.headDim, text.intermediateSize],
    ...[text.vocabularySize, tieWordEmbeddings ? 1 : 0, stops.length, ...stops],
  ];
  for (const [index, value] of numbers.entries()) header.writeUInt32LE(value, 8 + 4 * index);
  header.writeFloatLE(text.ropeTheta, 76);
  header.writeFloatLE(text.rmsNormEps, 80);
  const names = ['text_model.embed_tokens.weight'];
  for (let layer = 0; layer < text.layers; layer++) {
    const attention = ['q', 'k', 'v', 'o'].map((each) => `self_attn.${each}_proj`);
    const mlp = ['gate', 'up', 'down'].map((each) => `mlp.${each}_proj`);
    for (const part of ['input_layernorm', ...attention, 'post_attention_layernorm', ...mlp]) {
      names.push(`text_model.layers.${layer}.${part}.weight`);
    }
  }
  names.push('text_model.norm.weight', ...(tieWordEmbeddings ? [] : ['lm_head.weight']));
  const parts: Uint8Array[] = [header];
  for (const name of names) parts.push(new Uint8Array((await tensors.read(name)).slice().buffer));
  for (const piece of await vocabularyBytes(checkpoint.dir, text.vocabularySize)) {
    parts.push(Uint8Array.of(piece.length), piece);
  }
  await writeFile(join(dir, fileName), Buffer.concat(parts));
  return { format: 'rkllm', precision: 'int8', files: [await describeBundleFile(dir, fileName)] };
}

/** Each token's bytes; empty for control tokens, which the library leaves out of its text. */
async function vocabularyBytes(dir: string, size: number): Promise<readonly Uint8Array[]> {
  const tokenizer: {
    readonly model: { readonly vocab: Readonly<Record<string, number>> };
    readonly added_tokens: readonly { readonly id: number }[];
  } = JSON.parse(await readFile(join(dir, 'tokenizer.json'), 'utf8'));
  const pieces: Uint8Array[] = Array.from({ length: size }, () => new Uint8Array());
  const bytes = byteLevelAlphabet();
  for (const [piece, id] of Object.entries(tokenizer.model.vocab)) {
    pieces[id] = Uint8Array.from([...piece].map((character) => bytes.get(character) ?? 0x3f));
  }
  for (const { id } of tokenizer.added_tokens) pieces[id] = new Uint8Array();
  return pieces;
}

/** Byte-level BPE represents a byte by a printable character: itself if it is one, else from U+0100 on (GPT-2). */
function byteLevelAlphabet(): ReadonlyMap<string, number> {
  const alphabet = new Map<string, number>();
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const printable =
      (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
    alphabet.set(String.fromCodePoint(printable ? byte : next++), byte);
  }
  return alphabet;
}
