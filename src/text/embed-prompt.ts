import { SmolvlmError } from '../errors';
import type { TokenEmbeddings } from './token-embeddings';

/** The encoded image of one picture. */
export interface PromptImage {
  /** Same key, same rows. */
  readonly key: string;
  /** [n, width] float32, one row an `<image>` token, in prompt order. */
  readonly rows: Float32Array;
}

/** A prompt as the decoder's input. */
export interface PromptRows {
  /** [tokens, width] float32 */
  readonly rows: Float32Array;
  /** A key for each row: two prompts with a common prefix of keys have the same rows there. */
  readonly keys: readonly string[];
}

/**
 * Token embeddings with image rows in place of the `<image>` tokens.
 * @throws SmolvlmError `prompt-image-rows` when the numbers of tokens and rows differ
 */
export async function embedPrompt(
  inputIds: readonly number[],
  imageTokenId: number,
  images: readonly PromptImage[],
  embeddings: TokenEmbeddings,
): Promise<PromptRows> {
  const { width } = embeddings;
  const imageRows = images.reduce((sum, { rows }) => sum + rows.length / width, 0);
  const imageTokens = inputIds.filter((id) => id === imageTokenId).length;
  if (imageTokens !== imageRows) {
    throw new SmolvlmError(
      'prompt-image-rows',
      `the prompt has ${imageTokens} image tokens, the vision tower returned ${imageRows} rows`,
      { hint: 'The bundle and its tokenizer do not belong together: prepare it again.' },
    );
  }
  const sources = images.flatMap(({ key, rows }) =>
    Array.from({ length: rows.length / width }, (_, index) => ({
      key: `${key}:${index}`,
      row: rows.subarray(index * width, (index + 1) * width),
    })),
  );
  const rows = new Float32Array(inputIds.length * width);
  const keys: string[] = [];
  let used = 0;
  for (const [index, id] of inputIds.entries()) {
    const image = id === imageTokenId ? sources[used++] : undefined;
    rows.set(image?.row ?? (await embeddings.row(id)), index * width);
    keys.push(image?.key ?? String(id));
  }
  return { rows, keys };
}
