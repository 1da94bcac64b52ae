import { randomUUID } from 'node:crypto';
import type { ErrorBody } from '../errors';
import type { TileGrid } from '../image/tiles';
import type { Detail } from '../protocol/describe-request';
import type { FeatureHandle } from '../protocol/features';
import { type Clock, systemClock } from '../system/clock';
import type { PromptImage } from '../text/embed-prompt';

/** A frame's image rows. */
export interface CachedFeatures extends PromptImage {
  /** Of the pixels that were seen, hex. */
  readonly hash: string;
  readonly detail: Detail;
  readonly grid: TileGrid;
  /** Why the CPU made them, where the NPU should have. */
  readonly fallback?: ErrorBody;
}

interface Entry {
  readonly image: CachedFeatures;
  /** By the cache's clock: handles work until then. */
  heldUntilMs: number;
}

export interface FeatureCacheOptions {
  /** Default: 64 MiB, the features of 34 frames at full detail, 440 at low (SmolVLM-256M). */
  readonly limitBytes?: number;
  /** How long a handle works after it was given out or last used. */
  readonly holdMs?: number;
  readonly clock?: Pick<Clock, 'now'>;
}

/**
 * Image rows of frames seen lately, least recently used first out, under a bound on memory. They are found by
 * their pixels for as long as they are there, and by a handle until it expires.
 */
export class FeatureCache {
  readonly #limitBytes: number;
  readonly #holdMs: number;
  readonly #clock: Pick<Clock, 'now'>;
  /** Sets this model's handles apart from any other's, loaded before, beside or after it. */
  readonly #owner = randomUUID().slice(0, 8);
  readonly #entries = new Map<string, Entry>();
  #sizeBytes = 0;

  constructor(options: FeatureCacheOptions = {}) {
    this.#limitBytes = options.limitBytes ?? 64 * 2 ** 20;
    this.#holdMs = options.holdMs ?? 10 * 60_000;
    this.#clock = options.clock ?? systemClock;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get(key: string): CachedFeatures | undefined {
    return this.#use(key)?.image;
  }

  add(image: CachedFeatures): void {
    this.#sizeBytes -= this.#entries.get(image.key)?.image.rows.byteLength ?? 0;
    this.#entries.set(image.key, { image, heldUntilMs: Number.NEGATIVE_INFINITY });
    this.#sizeBytes += image.rows.byteLength;
    for (const [key, entry] of this.#entries) {
      if (this.#sizeBytes <= this.#limitBytes) return;
      this.#entries.delete(key);
      this.#sizeBytes -= entry.image.rows.byteLength;
    }
  }

  /** Gives a handle out for features that were seen just now. */
  hold({ key, hash, detail }: CachedFeatures): Omit<FeatureHandle, 'engine'> {
    const entry = this.#entries.get(key);
    if (entry) this.#prolong(entry);
    const expires = new Date(Date.now() + (entry ? this.#holdMs : 0)).toISOString();
    return { id: `${this.#owner}-${key}`, frameHash: hash, detail, expires };
  }

  /** What a handle stands for, held longer from now on; undefined when it is not (any longer) known. */
  held(id: string): CachedFeatures | undefined {
    const prefix = `${this.#owner}-`;
    if (!id.startsWith(prefix)) return undefined;
    const key = id.slice(prefix.length);
    const entry = this.#entries.get(key);
    if (!entry || entry.heldUntilMs < this.#clock.now()) return undefined;
    this.#prolong(entry);
    return this.#use(key)?.image;
  }

  #prolong(entry: Entry): void {
    entry.heldUntilMs = this.#clock.now() + this.#holdMs;
  }

  /** The entry, now the last to go. */
  #use(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }
}
