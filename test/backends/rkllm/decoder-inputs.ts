import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeEmulatedDecoder } from '../../../src/cli/bench/emulator/emulated-decoder';
import type { Checkpoint } from '../../../src/model/checkpoint/checkpoint';
import { PromptBuilder } from '../../../src/prompt/prompt-builder';

/** Rows of some words' token embeddings. */
export async function promptRows(checkpoint: Checkpoint, text: string): Promise<Float32Array> {
  const { tokenizer } = await PromptBuilder.open(checkpoint.dir, checkpoint.config);
  const { hiddenSize } = checkpoint.config.text;
  const table = await checkpoint.tensors.read('text_model.embed_tokens.weight');
  const ids = tokenizer.encode(text);
  const rows = new Float32Array(ids.length * hiddenSize);
  for (const [index, id] of ids.entries()) {
    rows.set(table.subarray(id * hiddenSize, (id + 1) * hiddenSize), index * hiddenSize);
  }
  return rows;
}

/** The decoder with other bytes for some tokens, in the alphabet of byte-level BPE. */
export async function writeWideDecoder(
  checkpoint: Checkpoint,
  folder: string,
  pieces: ReadonlyMap<number, string>,
): Promise<void> {
  const tokenizer = JSON.parse(await readFile(join(checkpoint.dir, 'tokenizer.json'), 'utf8'));
  const vocab: Record<string, number> = tokenizer.model.vocab;
  const replaced = new Set(pieces.values());
  const others = Object.entries(vocab).filter(([piece, id]) => !pieces.has(id) && !replaced.has(piece));
  const ours = [...pieces].map(([id, piece]) => [piece, id] as const);
  tokenizer.model.vocab = Object.fromEntries([...others, ...ours]);
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
  const { config, tensors } = checkpoint;
  await writeEmulatedDecoder(folder, { dir: folder, config, tensors });
}
