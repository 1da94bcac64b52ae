import { resample } from './resize/resample';
import { cropPixels, type RgbImage } from './rgb-image';

/** The reference's upper limit for either side after the first resize (`MAX_IMAGE_SIZE`). */
const largestSide = 4096;

/** How a picture is encoded: `full` as the model's split into tiles, `low` as one tile. */
export type TileDetail = 'low' | 'full';

/** The size settings of the checkpoint's preprocessor_config.json. */
export interface TileSettings {
  readonly longestEdge: number;
  /** Side of a tile in pixels. */
  readonly maxImageSize: number;
}

/** Rows and columns of the split, 0 × 0 when there is only the global tile; `tiles` includes that one. */
export interface TileGrid {
  readonly rows: number;
  readonly cols: number;
  readonly tiles: number;
}

export interface TileSet extends TileGrid {
  /** Row by row, the global tile last; each maxImageSize square. */
  readonly images: readonly RgbImage[];
}

/** The grid of a picture of this size; nothing is decoded. @param width, height of the upright picture */
export function tileGrid(
  width: number,
  height: number,
  settings: TileSettings,
  detail: TileDetail,
): TileGrid {
  if (detail === 'low') return { rows: 0, cols: 0, tiles: 1 };
  const [wide, high] = splitSize(
    ...longestEdgeSize(width, height, settings.longestEdge),
    settings.maxImageSize,
  );
  const cols = wide / settings.maxImageSize;
  const rows = high / settings.maxImageSize;
  return rows * cols === 1 ? { rows: 0, cols: 0, tiles: 1 } : { rows, cols, tiles: rows * cols + 1 };
}

/**
 * Exactly the reference's `Idefics3ImageProcessor`: resizes the longest edge to `longestEdge`; for `full` up to multiples
 * of the tile, split row by row, then the whole picture as one tile; for `low` directly to one tile. Every step
 * rounds to 8 bits, like the reference.
 */
export function prepareTiles(image: RgbImage, settings: TileSettings, detail: TileDetail): TileSet {
  const side = settings.maxImageSize;
  const grid = tileGrid(image.width, image.height, settings, detail);
  const resized = resample(image, ...longestEdgeSize(image.width, image.height, settings.longestEdge));
  if (detail === 'low') return { ...grid, images: [resample(resized, side, side)] };
  const whole = resample(resized, ...splitSize(resized.width, resized.height, side));
  const images: RgbImage[] = [];
  for (let row = 0; row < grid.rows; row++) {
    for (let col = 0; col < grid.cols; col++)
      images.push(cropPixels(whole, col * side, row * side, side, side));
  }
  images.push(resample(whole, side, side));
  return { ...grid, images };
}

/**
 * The reference guesses where an array's channels are: it takes a picture of 1 or 3 rows for channels first,
 * with its width as rows and the three colours as columns (`infer_channel_dimension_format`).
 */
function referenceSize(width: number, height: number): [number, number] {
  return height === 1 || height === 3 ? [3, width] : [width, height];
}

/** `get_resize_output_image_size`: the short side is truncated to whole pixels, then made even. */
function longestEdgeSize(pictureWidth: number, pictureHeight: number, longestEdge: number): [number, number] {
  const [width, height] = referenceSize(pictureWidth, pictureHeight);
  const aspect = width / height;
  const even = (size: number): number => Math.max(size % 2 === 0 ? size : size + 1, 1);
  const [wide, high] =
    width >= height
      ? [longestEdge, even(Math.trunc(longestEdge / aspect))]
      : [even(Math.trunc(longestEdge * aspect)), longestEdge];
  return boundedSize(wide, high);
}

/** `_resize_output_size_scale_below_upper_bound` */
function boundedSize(width: number, height: number): [number, number] {
  const aspect = width / height;
  if (width >= height && width > largestSide)
    return [largestSide, Math.max(1, Math.trunc(largestSide / aspect))];
  if (height > width && height > largestSide)
    return [Math.max(1, Math.trunc(largestSide * aspect)), largestSide];
  return [width, height];
}

/** `resize_for_vision_encoder`: rounds both sides up to multiples of the tile. */
function splitSize(width: number, height: number, side: number): [number, number] {
  const aspect = width / height;
  const up = (size: number): number => Math.ceil(size / side) * side;
  if (width >= height) {
    const wide = up(width);
    return [wide, up(Math.trunc(wide / aspect))];
  }
  const high = up(height);
  return [up(Math.trunc(high * aspect)), high];
}
