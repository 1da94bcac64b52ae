/** Rows and columns of a picture's split; 0 × 0 when there is only the global tile. */
export interface ImageGrid {
  readonly rows: number;
  readonly cols: number;
}

/**
 * Expands one picture's `<image>`: each tile's position and image tokens, one line per row, then the
 * global tile (transformers, `get_image_prompt_string` of Idefics3's processor).
 * @param imageToken e.g. `<image>` @param tokensPerTile e.g. 64
 */
export function expandImage({ rows, cols }: ImageGrid, imageToken: string, tokensPerTile: number): string {
  const around = '<fake_token_around_image>';
  const tokens = imageToken.repeat(tokensPerTile);
  const globalTile = `${around}<global-img>${tokens}${around}`;
  if (rows === 0 || cols === 0) return globalTile;
  let text = '';
  for (let row = 1; row <= rows; row++) {
    for (let col = 1; col <= cols; col++) text += `${around}<row_${row}_col_${col}>${tokens}`;
    text += '\n';
  }
  return `${text}\n${globalTile}`;
}
