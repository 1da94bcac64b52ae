import type { ErrorBody } from '../errors';

/** What the vision side hands to the text side: one block of rows a tile, in prompt order. */
export interface ImageFeatures {
  readonly tiles: number;
  /** Image tokens a tile, e.g. 64. */
  readonly rowsPerTile: number;
  /** Text hidden size, e.g. 576. */
  readonly width: number;
  /** [tiles × rowsPerTile, width], row-major. */
  readonly rows: Float32Array;
  /** Why the CPU made them, where the NPU should have. */
  readonly fallback?: ErrorBody;
}
