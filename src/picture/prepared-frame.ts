import type { Polygon, Rectangle } from '../system/picture-shapes';

/** How a camera's picture is made ready. */
export interface FrameOptions {
  readonly crop?: Rectangle;
  /** Polygons of the upright picture, painted black before any other step. */
  readonly masks?: readonly Polygon[];
  /** `contrast` spreads the grey levels; `night` also lifts dark parts, where the picture is dark. */
  readonly normalise?: 'contrast' | 'night';
  /** Longest side of the prepared picture, pixels; smaller ones stay as they are. */
  readonly maxSide?: number;
  /** Of the JPEG, 1 … 100; default 85. */
  readonly quality?: number;
  /** No picture is made when its difference hash is this near. */
  readonly unless?: { readonly differenceHash: string; readonly bits: number };
}

/** A picture made ready. */
export interface PreparedFrame {
  /** Absent when it is as near as `unless` says. */
  readonly jpeg?: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** 512 bits of the masked, cropped picture, 128 hex digits. */
  readonly differenceHash: string;
  /** Mean brightness before normalisation, 0 … 255. */
  readonly brightness: number;
}

/** Differing bits of two difference hashes, 0 … 512. */
export function hammingDistance(a: string, b: string): number {
  let bits = BigInt(`0x${a}`) ^ BigInt(`0x${b}`);
  let count = 0;
  for (; bits > 0n; bits &= bits - 1n) count++;
  return count;
}
