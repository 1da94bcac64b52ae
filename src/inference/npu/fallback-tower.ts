import type { ErrorBody } from '../../errors';
import type { ImageFeatures } from '../../vision/image-features';
import type { EncodeOptions, TileEncoder, TileSource } from '../../vision/vision-tower';
import type { NpuBackoff } from './npu-backoff';

export interface FallbackOptions {
  /**
   * Opens the tower on the NPU. Called again, after the backoff, only if opening failed: an open tower is kept when frames
   * fail, and used again.
   */
  readonly openNpu: () => Promise<TileEncoder>;
  readonly openCpu: () => Promise<TileEncoder>;
  readonly backoff: NpuBackoff;
  /** Why the CPU is to be used now although the NPU works, e.g. because another program uses it. */
  readonly useCpu?: () => ErrorBody | undefined;
}

/**
 * The tower on the NPU, with the same tower on the CPU as a fallback: a frame that fails on the NPU is encoded on the CPU,
 * and its result says why.
 */
export class FallbackTower implements TileEncoder {
  readonly #options: FallbackOptions;
  #npu: TileEncoder | undefined;
  #cpu: Promise<TileEncoder> | undefined;
  #opening: Promise<TileEncoder> | undefined;

  constructor(options: FallbackOptions) {
    this.#options = options;
  }

  /** Why the CPU works at the moment; undefined while the NPU does. */
  get fallback(): ErrorBody | undefined {
    const { backoff, useCpu } = this.#options;
    return useCpu?.() ?? backoff.reason;
  }

  async encode(tiles: readonly TileSource[], options: EncodeOptions = {}): Promise<ImageFeatures> {
    const { backoff } = this.#options;
    let fallback = this.fallback;
    if (!fallback) {
      try {
        const features = await (await this.#openNpu()).encode(tiles, options);
        backoff.worked();
        return features;
      } catch (error) {
        options.signal?.throwIfAborted();
        fallback = backoff.failed(error);
      }
    }
    return { ...(await (await this.#openCpu()).encode(tiles, options)), fallback };
  }

  async close(): Promise<void> {
    await this.#opening?.catch(() => undefined);
    await this.#npu?.close();
    await (await this.#cpu?.catch(() => undefined))?.close();
  }

  /** If opening fails, perhaps for lack of memory, the next frame tries again. */
  #openCpu(): Promise<TileEncoder> {
    this.#cpu ??= this.#options.openCpu().catch((error: unknown) => {
      this.#cpu = undefined;
      throw error;
    });
    return this.#cpu;
  }

  /** Opens it once for all frames in flight. */
  async #openNpu(): Promise<TileEncoder> {
    this.#opening ??= this.#npu ? Promise.resolve(this.#npu) : this.#options.openNpu();
    try {
      this.#npu = await this.#opening;
      return this.#npu;
    } finally {
      this.#opening = undefined;
    }
  }
}
