import { defined } from '../../system/defined';
import type { Polygon, Rectangle } from '../../system/picture-shapes';
import { decodePicture } from '../decode-picture';
import { frameHash } from '../frame-hash';
import { thumbnail } from '../thumbnail';
import { prepareTiles, type TileDetail, type TileSettings } from '../tiles';

/** How a picture becomes a vision tower's input. */
export interface PictureOptions {
  readonly crop?: Rectangle;
  readonly masks?: readonly Polygon[];
  readonly settings: TileSettings;
  readonly detail: TileDetail;
  /** Hashes of frames whose tiles are not needed. */
  readonly known?: readonly string[];
  /** Longest side of a small JPEG, in pixels; absent: none is made. */
  readonly thumbnailSide?: number;
}

/** A decoded picture with masks and crop applied. */
export interface PreparedPicture {
  readonly width: number;
  readonly height: number;
  /** Of size and pixels. */
  readonly hash: string;
  /** [tile, side, side, 3], row by row, the global tile last; absent for a known hash. */
  readonly tiles?: Uint8Array<ArrayBuffer>;
  /** JPEG as base64. */
  readonly thumbnail?: string;
}

/** Decodes a picture, draws masks, crops and cuts tiles. @throws ImageError */
export async function preparePicture(bytes: Uint8Array, options: PictureOptions): Promise<PreparedPicture> {
  const { crop, masks, settings, detail, known, thumbnailSide } = options;
  const image = await decodePicture(bytes, defined({ crop, masks }));
  const { width, height } = image;
  const hash = frameHash(image);
  return {
    width,
    height,
    hash,
    ...(!known?.includes(hash) && { tiles: packed(prepareTiles(image, settings, detail).images) }),
    ...(thumbnailSide && { thumbnail: (await thumbnail(image, thumbnailSide)).toString('base64') }),
  };
}

/** In one buffer, so that it changes threads without a copy. */
function packed(images: readonly { readonly data: Uint8Array }[]): Uint8Array<ArrayBuffer> {
  const tiles = new Uint8Array(images.reduce((sum, { data }) => sum + data.length, 0));
  let at = 0;
  for (const { data } of images) {
    tiles.set(data, at);
    at += data.length;
  }
  return tiles;
}
