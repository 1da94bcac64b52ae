import type { ErrorBody } from '../../errors';
import type { ImageFeatures } from '../../vision/image-features';
import type { EncodeOptions, TileEncoder, TileSource } from '../../vision/vision-tower';
import type { NpuBackoff } from './npu-backoff';

export interface FallbackOptions {
  /**
   * Opens the tower on the NPU. Called again, after its rest, only where that failed: a tower that is open is kept when
   * frames fail, and tried again.
   */
  readonly openNpu: () => Promise<TileEncoder>;
  readonly openCpu: () => Promise<TileEncoder>;
  readonly rest: NpuBackoff;
}

/**
 * The tower on the NPU, with the same tower on the CPU behind it: a frame the NPU fails is described all the same, and
 * says why.
 */
export class FallbackTower implements TileEncoder {
  readonly #options: FallbackOptions;
  #npu: TileEncoder | undefined;
  #cpu: Promise<TileEncoder> | undefined;
  #opening: Promise<TileEncoder> | undefined;

  constructor(options: FallbackOptions) {
    this.#options = options;
  }

  /** Why the CPU does the work now; absent while the NPU does. */
  get fallback(): ErrorBody | undefined {
    return this.#options.rest.reason;
  }

  async encode(tiles: readonly TileSource[], options: EncodeOptions = {}): Promise<ImageFeatures> {
    const { rest } = this.#options;
    let fallback = rest.reason;
    if (!fallback) {
      try {
        const features = await (await this.#openNpu()).encode(tiles, options);
        rest.worked();
        return features;
      } catch (error) {
        options.signal?.throwIfAborted();
        fallback = rest.failed(error);
      }
    }
    return { ...(await (await this.#openCpu()).encode(tiles, options)), fallback };
  }

  async close(): Promise<void> {
    await this.#opening?.catch(() => undefined);
    await this.#npu?.close();
    await (await this.#cpu?.catch(() => undefined))?.close();
  }

  /** One that could not be opened, for want of memory perhaps, is tried again with the next frame. */
  #openCpu(): Promise<TileEncoder> {
    this.#cpu ??= this.#options.openCpu().catch((error: unknown) => {
      this.#cpu = undefined;
      throw error;
    });
    return this.#cpu;
  }

  /** Frames in flight find it opened once. */
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
