import { type ErrorBody, SmolvlmError } from '../../errors';
import { pixelValues } from '../../image/pixel-values';
import type { PicturePool } from '../../image/pool/picture-pool';
import type { PreparedPicture } from '../../image/pool/prepare-picture';
import type { RgbImage } from '../../image/rgb-image';
import { type TileGrid, tileGrid } from '../../image/tiles';
import type { ImageProcessorConfig } from '../../model/checkpoint/image-processor-config';
import type { DescribeRequest, Detail } from '../../protocol/describe-request';
import { type FeatureHandle, featuresGone } from '../../protocol/features';
import type { VisionTimings } from '../../protocol/frame-result';
import { unlessAborted } from '../../system/async/unless-aborted';
import { defined } from '../../system/defined';
import { giveWay } from '../give-way';
import type { InferenceHooks } from '../inference';
import { npuReadWriteLock } from '../npu/npu-read-write-lock';
import type { PlacedTower } from '../npu/open-tower';
import type { TimedHooks } from '../phase-timer';
import { type CachedFeatures, FeatureCache } from './feature-cache';
import { type FramePicture, preparePictures } from './prepare-pictures';
import { VisionProgress } from './vision-progress';

/** The vision features of a request's pictures. */
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

/** The vision side of a loaded model: each frame is encoded once, and its features are cached for a while. */
export class VisionEncoder {
  readonly #vision: PlacedTower;
  readonly #imageProcessor: ImageProcessorConfig;
  readonly #pool: PicturePool;
  readonly #features = new FeatureCache();
  /** Of the tile that starts: the tower copies them at once. */
  #pixels = new Float32Array();
  /** Frames that are being encoded, by key; the promises settle and never reject. */
  readonly #encoding = new Map<string, { readonly hash: string; readonly settled: Promise<unknown> }>();

  constructor(vision: PlacedTower, imageProcessor: ImageProcessorConfig, pool: PicturePool) {
    this.#vision = vision;
    this.#imageProcessor = imageProcessor;
    this.#pool = pool;
  }

  /** Bytes of the cached features. */
  get sizeBytes(): number {
    return this.#features.sizeBytes;
  }

  grid({ width, height }: PreparedPicture, detail: Detail): TileGrid {
    return tileGrid(width, height, this.#imageProcessor, detail);
  }

  /** Decodes a request's pictures and cuts them into tiles. @throws ImageError; the signal's reason when aborted */
  async prepare(
    pictures: readonly Uint8Array[],
    { crop, masks, thumbnailSide }: DescribeRequest,
    { detail, priority }: VisionEncoderOptions,
    hooks: TimedHooks,
  ): Promise<FramePicture[]> {
    const encoding = [...this.#encoding.values()].map(({ hash }) => hash);
    const { longestEdge, maxImageSize } = this.#imageProcessor;
    const options = {
      settings: { longestEdge, maxImageSize },
      detail,
      priority,
      known: [...this.#features.hashes(detail), ...encoding],
      ...defined({ crop, masks, thumbnailSide }),
    };
    return preparePictures(this.#pool, pictures, options, hooks);
  }

  /** Features of each picture: from the cache if the same pixels were encoded before or are being encoded now. */
  async encode(
    prepared: readonly FramePicture[],
    options: VisionEncoderOptions,
    hooks: TimedHooks,
  ): Promise<EncodedImages> {
    const { timer } = hooks;
    const images: CachedFeatures[] = [];
    const progress = new VisionProgress();
    for (const picture of prepared) {
      const key = keyOf(picture, options.detail);
      await giveWay(hooks);
      for (let other = this.#encoding.get(key); other; other = this.#encoding.get(key)) {
        await otherEncoded(other.settled, hooks);
      }
      hooks.signal.throwIfAborted();
      timer.end('wait');
      const cached = this.#features.get(key);
      images.push(
        cached ?? (await this.#once(key, picture, this.#encodePicture(picture, options, progress, hooks))),
      );
    }
    const timings = progress.timings(timer.ms('vision'));
    return {
      ...encodedImages(images),
      cached: prepared.length > 0 && timings === undefined,
      ...defined({ vision: timings }),
    };
  }

  /** The features that handles stand for. @throws SmolvlmError `features-gone` */
  recall(ids: readonly string[]): EncodedImages {
    const images = ids.map((id) => {
      const image = this.#features.held(id);
      if (image) return image;
      throw new SmolvlmError(featuresGone, `this engine does not hold the features "${id}"`, {
        hint: 'Send the picture: handles expire, and are valid only in the engine run and the model that made them.',
      });
    });
    return encodedImages(images);
  }

  /** Gives out handles for features that were just encoded, one per picture. */
  hold({ images }: EncodedImages): Omit<FeatureHandle, 'engine'>[] {
    return images.map((image) => this.#features.hold(image));
  }

  /** Lets other requests wait for the same frame; if encoding it fails, the next of them encodes it. */
  async #once(
    key: string,
    { hash }: FramePicture,
    encoding: Promise<CachedFeatures>,
  ): Promise<CachedFeatures> {
    const settled = encoding.then(
      () => undefined,
      () => undefined,
    );
    this.#encoding.set(key, { hash, settled });
    try {
      return await encoding;
    } finally {
      this.#encoding.delete(key);
    }
  }

  async #encodePicture(
    picture: FramePicture,
    { detail, priority }: VisionEncoderOptions,
    progress: VisionProgress,
    hooks: TimedHooks,
  ): Promise<CachedFeatures> {
    const { timer } = hooks;
    const tiles = picture.tiles ?? (await picture.again()).tiles ?? new Uint8Array();
    const pixels = squares(tiles, this.#imageProcessor.maxImageSize).map(
      (tile) => () => this.#pixelsOf(tile),
    );
    timer.end('image');
    const warning = this.#sharingWarning();
    if (warning) hooks.onProgress({ phase: 'vision', done: 0, total: 1, warning });
    const { rows, fallback } = await this.#vision.tower.encode(pixels, {
      signal: hooks.signal,
      priority,
      // The NPU is not held while the request waits: one that goes first may need it alone.
      aroundTile: async (run) => {
        await giveWay(hooks);
        await npuReadWriteLock.shared(run);
      },
      ...progress.callbacks(hooks, warning),
    });
    timer.end('vision');
    const { hash } = picture;
    const grid = this.grid(picture, detail);
    const features = { key: keyOf(picture, detail), hash, detail, grid, rows, ...defined({ fallback }) };
    this.#features.add(features);
    return features;
  }

  #pixelsOf(tile: RgbImage): Float32Array {
    const length = 3 * tile.width * tile.height;
    if (this.#pixels.length !== length) this.#pixels = new Float32Array(length);
    return pixelValues(tile, this.#imageProcessor, this.#pixels);
  }

  /** Another program on the NPU makes both slower, and has made boards hang. */
  #sharingWarning(): ErrorBody | undefined {
    const others = this.#vision.fallback() ? [] : (this.#vision.sharedWith?.() ?? []);
    if (others.length === 0) return undefined;
    return { code: 'npu-shared', message: `the NPU is also in use by ${others.join(', ')}` };
  }
}

/** Waits for another request's encoding of the same frame; one of lower priority is not held back meanwhile. */
function otherEncoded(encoding: Promise<unknown>, { ticket, signal }: InferenceHooks): Promise<unknown> {
  const ended = unlessAborted(encoding, signal);
  return ticket ? ticket.aside(() => ended) : ended;
}

/** @param tiles [tile, side, side, 3] */
function squares(tiles: Uint8Array, side: number): RgbImage[] {
  const sizeBytes = side * side * 3;
  return Array.from({ length: tiles.length / sizeBytes }, (_, tile) => ({
    width: side,
    height: side,
    data: tiles.subarray(tile * sizeBytes, (tile + 1) * sizeBytes),
  }));
}

function keyOf({ hash }: PreparedPicture, detail: Detail): string {
  return `${hash}-${detail}`;
}

/** As they are when all features come from the cache. */
function encodedImages(images: readonly CachedFeatures[]): EncodedImages {
  const fallback = images.find((image) => image.fallback)?.fallback;
  return {
    images,
    tiles: images.reduce((sum, { grid }) => sum + grid.tiles, 0),
    cached: true,
    ...defined({ fallback }),
  };
}
