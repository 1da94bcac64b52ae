import { type ErrorBody, errorBody } from '../errors';
import type { ImageFeatures } from './image-features';
import type { EncodeOptions, TileEncoder, TileSource } from './vision-tower';

export interface FallbackOptions {
  /** Opens the tower on the NPU; called again after a failure, when its pause is over. */
  readonly openNpu: () => Promise<TileEncoder>;
  readonly openCpu: () => Promise<TileEncoder>;
  /** Failures before this process: others that died with the NPU in their hands. */
  readonly earlier?: { readonly failures: number; readonly lastAgeMs: number; readonly reason: ErrorBody };
  /** Milliseconds; default: the process's own clock. */
  readonly now?: () => number;
}

const firstPauseMs = 15_000;
const longestPauseMs = 60 * 60_000;

/** How long the NPU is left alone after the n-th failure in a row: 15 s, 1 min, 4 min, 16 min, then an hour. */
export function pauseMs(failures: number): number {
  return Math.min(longestPauseMs, firstPauseMs * 4 ** (failures - 1));
}

/**
 * The tower on the NPU, with the same tower on the CPU behind it: a frame the NPU fails is described all the same, and
 * says why. After a failure the NPU rests, the longer the more often it failed in a row.
 */
export class FallbackTower implements TileEncoder {
  readonly #options: FallbackOptions;
  readonly #now: () => number;
  #npu: TileEncoder | undefined;
  #cpu: Promise<TileEncoder> | undefined;
  #failures: number;
  #reason: ErrorBody | undefined;
  #pausedUntil = 0;
  #opening: Promise<TileEncoder> | undefined;

  constructor(options: FallbackOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    const { earlier } = options;
    this.#failures = earlier?.failures ?? 0;
    this.#reason = earlier?.reason;
    if (earlier) this.#pausedUntil = this.#now() + pauseMs(earlier.failures) - earlier.lastAgeMs;
  }

  /** Why the CPU does the work now; absent while the NPU does. */
  get fallback(): ErrorBody | undefined {
    return this.#now() < this.#pausedUntil ? this.#reason : undefined;
  }

  async encode(tiles: readonly TileSource[], options: EncodeOptions = {}): Promise<ImageFeatures> {
    if (this.#now() >= this.#pausedUntil) {
      try {
        const features = await (await this.#openNpu()).encode(tiles, options);
        this.#failures = 0;
        return features;
      } catch (error) {
        options.signal?.throwIfAborted();
        this.#pause(error);
      }
    }
    this.#cpu ??= this.#options.openCpu();
    const features = await (await this.#cpu).encode(tiles, options);
    return this.#reason ? { ...features, fallback: this.#reason } : features;
  }

  async close(): Promise<void> {
    await this.#opening?.catch(() => undefined);
    await this.#npu?.close();
    await (await this.#cpu?.catch(() => undefined))?.close();
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

  /** Frames in flight fail together: that is one failure. */
  #pause(error: unknown): void {
    this.#reason = errorBody(error);
    if (this.#now() < this.#pausedUntil) return;
    this.#failures++;
    this.#pausedUntil = this.#now() + pauseMs(this.#failures);
  }
}
