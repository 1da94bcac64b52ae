import type { ErrorBody } from '../errors';

/** The vision side's output for the text side: one block of rows per tile, in prompt order. */
export interface ImageFeatures {
  readonly tiles: number;
  /** Image tokens a tile, e.g. 64. */
  readonly rowsPerTile: number;
  /** Text hidden size, e.g. 576. */
  readonly width: number;
  /** [tiles × rowsPerTile, width], row-major. */
  readonly rows: Float32Array;
  /** Why the CPU computed them instead of the NPU. */
  readonly fallback?: ErrorBody;
}
