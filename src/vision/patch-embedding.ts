import { PriorityMutex } from '../system/async/priority-mutex';
import type { Projection } from './projection';

/** How a tile is cut into patches. */
export interface PatchGrid {
  readonly channels: number;
  /** Side of a tile in pixels, e.g. 512. */
  readonly imageSize: number;
  /** Side of a patch in pixels, e.g. 16. */
  readonly patchSize: number;
}

/** Converts the pixels of a tile to the first residual stream. */
export class PatchEmbedding {
  readonly #grid: PatchGrid;
  readonly #projection: Projection;
  readonly #positions: Float32Array;
  /** Written anew for each tile: fresh memory would be collected every few tiles, and costs a page fault for every 4 KB. */
  readonly #patches: Float32Array;
  readonly #patchesMutex = new PriorityMutex();

  /**
   * @param projection the convolution as a matrix: [hidden, channels × patchSize²], with its bias
   * @param positions [tokens, hidden]; a full tile's position ids are 0 … tokens − 1, row by row
   */
  constructor(grid: PatchGrid, projection: Projection, positions: Float32Array) {
    this.#grid = grid;
    this.#projection = projection;
    this.#positions = positions;
    this.#patches = emptyPatches(grid);
  }

  /**
   * @param pixels makes [channels, imageSize, imageSize] float32, which are not used after other pixels were made
   * @returns [tokens, hidden]
   */
  async embed(pixels: () => Float32Array): Promise<Float32Array> {
    const stream = await this.#patchesMutex.enter(() =>
      this.#projection.project(extractPatches(pixels(), this.#grid, this.#patches)),
    );
    const positions = this.#positions;
    for (let index = 0; index < stream.length; index++) {
      stream[index] = (stream[index] as number) + (positions[index] as number);
    }
    return stream;
  }
}

/**
 * A convolution whose stride equals its kernel is a matrix product over patches. Pixels beyond the last whole patch
 * are not used.
 * @param pixels [channels, imageSize, imageSize] @param patches where to write them
 * @returns [patches, channels × patchSize × patchSize], patches row by row, each in the kernel's own order
 */
export function extractPatches(
  pixels: Float32Array,
  grid: PatchGrid,
  patches: Float32Array = emptyPatches(grid),
): Float32Array {
  const { channels, imageSize, patchSize } = grid;
  const side = Math.floor(imageSize / patchSize);
  let target = 0;
  for (let patch = 0; patch < side * side; patch++) {
    const corner = Math.floor(patch / side) * patchSize * imageSize + (patch % side) * patchSize;
    for (let channel = 0; channel < channels; channel++) {
      for (let line = 0; line < patchSize; line++) {
        const begin = (channel * imageSize + line) * imageSize + corner;
        for (let column = 0; column < patchSize; column++) {
          patches[target++] = pixels[begin + column] as number;
        }
      }
    }
  }
  return patches;
}

function emptyPatches({ channels, imageSize, patchSize }: PatchGrid): Float32Array {
  const side = Math.floor(imageSize / patchSize);
  return new Float32Array(channels * (side * patchSize) ** 2);
}
