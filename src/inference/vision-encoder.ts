import { type ErrorBody, SmolvlmError } from '../errors';
import { pixelValues } from '../image/pixel-values';
import { prepareTiles, type TileGrid, tileGrid } from '../image/tiles';
import type { ImageProcessorConfig } from '../model/checkpoint/image-processor-config';
import type { Detail } from '../protocol/describe-request';
import { type FeatureHandle, featuresGone } from '../protocol/features';
import type { VisionTimings } from '../protocol/frame-result';
import { type CachedFeatures, FeatureCache } from './feature-cache';
import type { InferenceHooks } from './inference';
import { npuReadWriteLock } from './npu/npu-read-write-lock';
import type { PlacedTower } from './npu/open-tower';
import type { PhaseTimer } from './phase-timer';
import type { PreparedPicture } from './prepare-pictures';
import { VisionProgress } from './vision-progress';

/** What the vision side made of a request's pictures. */
export interface EncodedImages {
  readonly images: readonly CachedFeatures[];
  readonly tiles: number;
  readonly cached: boolean;
  readonly vision?: VisionTimings;
  readonly fallback?: ErrorBody;
}

export interface VisionEncoderOptions {
  readonly detail: Detail;
  readonly priority: number;
}

/** The vision side of a loaded model: each frame is looked at once, and remembered for a while. */
export class VisionEncoder {
  readonly #vision: PlacedTower;
  readonly #imageProcessor: ImageProcessorConfig;
  readonly #features = new FeatureCache();
  /** Frames being looked at, by key; settled, never rejected. */
  readonly #looking = new Map<string, Promise<unknown>>();

  constructor(vision: PlacedTower, imageProcessor: ImageProcessorConfig) {
    this.#vision = vision;
    this.#imageProcessor = imageProcessor;
  }

  /** Bytes of the features kept. */
  get sizeBytes(): number {
    return this.#features.sizeBytes;
  }

  grid({ image }: PreparedPicture, detail: Detail): TileGrid {
    return tileGrid(image.width, image.height, this.#imageProcessor, detail);
  }

  /** Image rows of each picture, from the cache where its pixels were seen before or are being looked at now. */
  async encode(
    prepared: readonly PreparedPicture[],
    options: VisionEncoderOptions,
    hooks: InferenceHooks,
    watch: PhaseTimer,
  ): Promise<EncodedImages> {
    const images: CachedFeatures[] = [];
    const meter = new VisionProgress();
    for (const picture of prepared) {
      const key = keyOf(picture, options.detail);
      for (let other = this.#looking.get(key); other; other = this.#looking.get(key)) await other;
      hooks.signal.throwIfAborted();
      watch.lap('wait');
      const known = this.#features.get(key);
      images.push(known ?? (await this.#once(key, this.#look(picture, options, meter, hooks, watch))));
    }
    const timings = meter.timings(watch.ms('vision'));
    return {
      ...seenBefore(images),
      cached: prepared.length > 0 && timings === undefined,
      ...(timings && { vision: timings }),
    };
  }

  /** What handles stand for. @throws SmolvlmError `features-gone` */
  recall(ids: readonly string[]): EncodedImages {
    const images = ids.map((id) => {
      const image = this.#features.held(id);
      if (image) return image;
      throw new SmolvlmError(featuresGone, `this engine does not hold the features "${id}"`, {
        hint: 'Send the picture: handles expire, and end with the engine run and the model that made them.',
      });
    });
    return seenBefore(images);
  }

  /** Handles of what was seen just now, one a picture. */
  hold({ images }: EncodedImages): Omit<FeatureHandle, 'engine'>[] {
    return images.map((image) => this.#features.hold(image));
  }

  /** Lets others wait for the same frame; where this look fails, the next of them looks. */
  async #once(key: string, look: Promise<CachedFeatures>): Promise<CachedFeatures> {
    const settled = look.then(
      () => undefined,
      () => undefined,
    );
    this.#looking.set(key, settled);
    try {
      return await look;
    } finally {
      this.#looking.delete(key);
    }
  }

  async #look(
    picture: PreparedPicture,
    { detail, priority }: VisionEncoderOptions,
    meter: VisionProgress,
    hooks: InferenceHooks,
    watch: PhaseTimer,
  ): Promise<CachedFeatures> {
    const pixels = prepareTiles(picture.image, this.#imageProcessor, detail).images.map(
      (tile) => () => pixelValues(tile, this.#imageProcessor),
    );
    watch.lap('image');
    const { rows, fallback } = await npuReadWriteLock.shared(() =>
      this.#vision.tower.encode(pixels, { signal: hooks.signal, priority, ...meter.report(hooks) }),
    );
    watch.lap('vision');
    const { hash } = picture;
    const grid = this.grid(picture, detail);
    const seen = { key: keyOf(picture, detail), hash, detail, grid, rows, ...(fallback && { fallback }) };
    this.#features.add(seen);
    return seen;
  }
}

function keyOf({ hash }: PreparedPicture, detail: Detail): string {
  return `${hash}-${detail}`;
}

function seenBefore(images: readonly CachedFeatures[]): EncodedImages {
  const fallback = images.find((image) => image.fallback)?.fallback;
  return {
    images,
    tiles: images.reduce((sum, { grid }) => sum + grid.tiles, 0),
    cached: true,
    ...(fallback && { fallback }),
  };
}
