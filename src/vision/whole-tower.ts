import type { StageRunner } from '../backends/stage-runner';
import { PriorityMutex } from '../system/async/priority-mutex';
import { defined } from '../system/defined';
import type { ImageFeatures } from './image-features';
import { checkTile, type EncodeOptions, joinRows, type TileEncoder, type TileSource } from './vision-tower';

export interface WholeTowerParts {
  /** The same stage once for each core: bytes [1, size, size, channels] in, [1, rows, text width] out. */
  readonly runners: readonly StageRunner[];
  readonly channels: number;
  readonly imageSize: number;
  readonly textWidth: number;
  close(): Promise<void>;
}

/**
 * A tower in one file, from the picture's bytes to the rows for the decoder, as the vendor's own export makes it
 * (mean and deviation 127.5 folded in). Tiles are distributed over the cores.
 */
export class WholeTower implements TileEncoder {
  readonly #parts: WholeTowerParts;
  readonly #coreMutexes: readonly PriorityMutex[];

  constructor(parts: WholeTowerParts) {
    this.#parts = parts;
    this.#coreMutexes = parts.runners.map(() => new PriorityMutex());
  }

  async encode(tiles: readonly TileSource[], options: EncodeOptions = {}): Promise<ImageFeatures> {
    const { runners, textWidth } = this.#parts;
    const { signal, priority, onProgress, onSlow, activations } = options;
    const { aroundTile = (run) => run() } = options;
    const rows: Float32Array[] = [];
    let next = 0;
    let done = 0;
    const failed = new AbortController();
    const work = async (runner: StageRunner, mutex: PriorityMutex): Promise<void> => {
      for (let tile = next++; tile < tiles.length; tile = next++)
        await aroundTile(() => runTile(runner, mutex, tile));
    };
    const runTile = async (runner: StageRunner, mutex: PriorityMutex, tile: number): Promise<void> => {
      const source = tiles[tile] as TileSource;
      const { name, core } = runner.stage;
      let started = 0;
      const output = await mutex.enter(() => {
        signal?.throwIfAborted();
        failed.signal.throwIfAborted();
        started = performance.now();
        const bytes = this.#bytes(typeof source === 'function' ? source() : source, tile);
        return runner.run(bytes, (ms) => onSlow?.(name, ms));
      }, priority);
      rows[tile] = output;
      activations?.('connector', tile, output);
      const ms = runner.deviceMs ?? performance.now() - started;
      onProgress?.({ done: ++done, total: tiles.length, stage: name, tile, ms, ...defined({ core }) });
    };
    const works = runners.map((runner, index) =>
      work(runner, this.#coreMutexes[index] as PriorityMutex).catch((error: unknown) => {
        failed.abort(error);
        throw error;
      }),
    );
    await Promise.allSettled(works);
    failed.signal.throwIfAborted();
    return joinRows(rows, textWidth);
  }

  close(): Promise<void> {
    return this.#parts.close();
  }

  /** Normalised NCHW pixels back to bytes in NHWC: x = byte / 127.5 − 1. */
  #bytes(pixels: Float32Array, tile: number): Float32Array {
    const { channels, imageSize } = this.#parts;
    const plane = imageSize * imageSize;
    checkTile(pixels, tile, channels * plane);
    const bytes = new Float32Array(pixels.length);
    for (let at = 0; at < plane; at++) {
      for (let channel = 0; channel < channels; channel++) {
        const value = Math.round(((pixels[channel * plane + at] ?? 0) + 1) * 127.5);
        bytes[at * channels + channel] = Math.min(255, Math.max(0, value));
      }
    }
    return bytes;
  }
}
