import { SmolvlmError } from '../errors';
import { defined } from '../system/defined';
import type { Connector } from './connector';
import type { ImageFeatures } from './image-features';
import type { PatchEmbedding } from './patch-embedding';
import type { AroundTile, StagePipeline, StageProgress } from './stage-pipeline';

/** The parts of a tower, opened by `openVisionTower`. */
export interface VisionTowerParts {
  readonly embedding: PatchEmbedding;
  readonly pipeline: StagePipeline;
  readonly connector: Connector;
  /** The residual stream is multiplied by this inside the stages. */
  readonly residualScale: number;
  /** channels × imageSize² */
  readonly tilePixels: number;
  close(): Promise<void>;
}

/** A tile's pixels [channels, imageSize, imageSize] float32, normalised; or a function that makes them when the tile starts: they are copied at once. */
export type TileSource = Float32Array | (() => Float32Array);

/** Receives a named activation of one tile, [tokens, width] float32, the residual stream unscaled. */
export type ActivationObserver = (name: string, tile: number, values: Float32Array) => void;

export interface EncodeOptions {
  /** Checked between stages. */
  readonly signal?: AbortSignal;
  /** Tiles of a higher priority go first; 0 by default. */
  readonly priority?: number;
  readonly aroundTile?: AroundTile;
  readonly onProgress?: (progress: StageProgress) => void;
  /** The device takes far longer than it should for a stage. */
  readonly onSlow?: (stageName: string, ms: number) => void;
  /** Names: `embeddings`, each stage's, `post_layernorm`, `connector`. */
  readonly activations?: ActivationObserver;
}

/** Encodes tiles to the rows that replace `<image>` tokens. */
export interface TileEncoder {
  /** @throws SmolvlmError `vision-tile-size`; the signal's reason when aborted */
  encode(tiles: readonly TileSource[], options?: EncodeOptions): Promise<ImageFeatures>;
  close(): Promise<void>;
}

/** A tower of stages with the residual stream between them, and the host's arithmetic around them. */
export class VisionTower implements TileEncoder {
  readonly #parts: VisionTowerParts;

  constructor(parts: VisionTowerParts) {
    this.#parts = parts;
  }

  async encode(tiles: readonly TileSource[], options: EncodeOptions = {}): Promise<ImageFeatures> {
    const { embedding, pipeline, connector, residualScale, tilePixels } = this.#parts;
    const { signal, priority, aroundTile, onProgress, onSlow, activations } = options;
    const rows: Float32Array[] = [];
    const enter = async (tile: number): Promise<Float32Array> => {
      const source = tiles[tile] as TileSource;
      const stream = await embedding.embed(() => {
        const pixels = typeof source === 'function' ? source() : source;
        checkTile(pixels, tile, tilePixels);
        return pixels;
      });
      activations?.('embeddings', tile, stream);
      return scaled(stream, residualScale);
    };
    const leave = async (tile: number, stream: Float32Array): Promise<void> => {
      const normalised = connector.postLayerNorm(scaled(stream, 1 / residualScale));
      activations?.('post_layernorm', tile, normalised);
      const connected = await connector.connect(normalised);
      activations?.('connector', tile, connected);
      rows[tile] = connected;
    };
    const onOutput = (name: string, tile: number, output: Float32Array): void =>
      // A copy: the stages may write the next output into the same memory.
      activations?.(name, tile, scaled(output.slice(), 1 / residualScale));
    await pipeline.run(tiles.length, enter, leave, {
      ...defined({ signal, priority, aroundTile, onSlow, onProgress, onOutput: activations && onOutput }),
    });
    return joinRows(rows, connector.textWidth);
  }

  close(): Promise<void> {
    return this.#parts.close();
  }
}

/** @param expected channels × height × width @throws SmolvlmError `vision-tile-size` */
export function checkTile(tile: Float32Array, index: number, expected: number): void {
  if (tile.length === expected) return;
  throw new SmolvlmError(
    'vision-tile-size',
    `tile ${index}: expected ${expected} values (channels × height × width), received ${tile.length}`,
    { hint: 'Resize the tile to the checkpoint’s image_size first.' },
  );
}

function scaled(stream: Float32Array, factor: number): Float32Array {
  return factor === 1 ? stream : stream.map((value) => value * factor);
}

/** Joins the tiles' rows, in order. */
export function joinRows(blocks: readonly Float32Array[], width: number): ImageFeatures {
  const blockLength = blocks[0]?.length ?? 0;
  const rows = new Float32Array(blocks.length * blockLength);
  for (const [index, block] of blocks.entries()) rows.set(block, index * blockLength);
  return { tiles: blocks.length, rowsPerTile: blockLength / width, width, rows };
}
