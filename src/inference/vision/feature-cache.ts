import { randomUUID } from 'node:crypto';
import type { ErrorBody } from '../../errors';
import type { TileGrid } from '../../image/tiles';
import type { Detail } from '../../protocol/describe-request';
import type { FeatureHandle } from '../../protocol/features';
import { type Clock, systemClock } from '../../system/clock';
import type { PromptImage } from '../../text/embed-prompt';

/** A frame's image features, with what identifies them. */
export interface CachedFeatures extends PromptImage {
  /** SHA-256 of the encoded pixels, hex. */
  readonly hash: string;
  readonly detail: Detail;
  readonly grid: TileGrid;
  /** Why the CPU computed them instead of the NPU. */
  readonly fallback?: ErrorBody;
}

interface Entry {
  readonly image: CachedFeatures;
  /** On the cache's clock: handles are valid until then. */
  heldUntilMs: number;
}

export interface FeatureCacheOptions {
  /** Default: 64 MiB, the features of 34 frames at full detail, 440 at low (SmolVLM-256M). */
  readonly limitBytes?: number;
  /** How long a handle is valid after it was given out or last used. */
  readonly holdMs?: number;
  readonly clock?: Pick<Clock, 'now'>;
}

/**
 * Features of recently encoded frames, within a limit on memory; the least recently used are removed first. They are
 * found by their pixels for as long as they are cached, and by a handle until it expires.
 */
export class FeatureCache {
  readonly #limitBytes: number;
  readonly #holdMs: number;
  readonly #clock: Pick<Clock, 'now'>;
  /** Part of each handle: handles of other loaded models, and of earlier ones, are not found. */
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

  /** Hashes of the frames in the cache at this detail. */
  hashes(detail: Detail): string[] {
    return [...this.#entries.values()].flatMap(({ image }) => (image.detail === detail ? image.hash : []));
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

  /** Gives out a handle for features that were just encoded. */
  hold({ key, hash, detail }: CachedFeatures): Omit<FeatureHandle, 'engine'> {
    const entry = this.#entries.get(key);
    if (entry) this.#prolong(entry);
    const expires = new Date(Date.now() + (entry ? this.#holdMs : 0)).toISOString();
    return { id: `${this.#owner}-${key}`, frameHash: hash, detail, expires };
  }

  /** The features of a handle, whose validity starts again; undefined when it has expired or is unknown. */
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

  /** The entry, now the most recently used. */
  #use(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }
}
