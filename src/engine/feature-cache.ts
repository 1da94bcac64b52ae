import type { ErrorBody } from '../errors';
import type { PromptImage } from '../text/embed-prompt';

/** A frame's image rows. */
export interface CachedFeatures extends PromptImage {
  /** Why the CPU made them, where the NPU should have. */
  readonly fallback?: ErrorBody;
}

/** Image rows of frames seen lately, least recently used first out, under a bound on memory. */
export class FeatureCache {
  readonly #limitBytes: number;
  readonly #images = new Map<string, CachedFeatures>();
  #sizeBytes = 0;

  /** @param limitBytes 64 MiB hold the features of 34 frames at full detail, 440 at low (SmolVLM-256M) */
  constructor(limitBytes = 64 * 2 ** 20) {
    this.#limitBytes = limitBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get(key: string): CachedFeatures | undefined {
    const image = this.#images.get(key);
    if (image) {
      this.#images.delete(key);
      this.#images.set(key, image);
    }
    return image;
  }

  add(image: CachedFeatures): void {
    this.#sizeBytes -= this.#images.get(image.key)?.rows.byteLength ?? 0;
    this.#images.set(image.key, image);
    this.#sizeBytes += image.rows.byteLength;
    for (const [key, { rows }] of this.#images) {
      if (this.#sizeBytes <= this.#limitBytes) return;
      this.#images.delete(key);
      this.#sizeBytes -= rows.byteLength;
    }
  }
}
