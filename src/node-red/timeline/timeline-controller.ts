import { SmolvlmError } from '../../errors';
import type { PreparedFrame } from '../../picture/prepared-frame';
import { defined } from '../../system/defined';
import { type Digest, type DigestKind, digestOf } from '../../timeline/digest';
import type { NewTimelineEntry, TimelineEntry, TimelinePictures } from '../../timeline/timeline-entry';
import type { TimelinePage, TimelineQuery, TimelineStore } from '../../timeline/timeline-store';
import type { KeepChoice } from './timeline-fields';

/** Longest side, pixels, and quality of a thumbnail: 8 to 20 KB. */
const thumbnailOptions = { maxSide: 320, quality: 70 } as const;

/** Messages that one node works on. */
const mostRunning = 200;

/** How long a folder that could not be opened is left alone. */
const retryMs = 5000;

/** Makes thumbnails, in another process. */
export interface ThumbnailMaker {
  prepare(bytes: Uint8Array, options: typeof thumbnailOptions): Promise<PreparedFrame>;
}

export interface TimelineControllerOptions {
  readonly open: () => Promise<TimelineStore>;
  readonly keep: KeepChoice;
  readonly thumbnails: ThumbnailMaker;
  /** Called when the store is open. */
  readonly onOpen?: (store: TimelineStore) => void;
  readonly onTrouble?: (error: SmolvlmError) => void;
  readonly now?: () => number;
}

/** An entry that was kept, and why its picture was not. */
export interface Kept {
  readonly entry: TimelineEntry;
  readonly pictureError?: unknown;
}

/** Keeps the entries of one node's messages and answers its searches. */
export class TimelineController {
  readonly #options: TimelineControllerOptions;
  readonly #now: () => number;
  #store: Promise<TimelineStore> | undefined;
  #retryAt = 0;
  #running = 0;
  #closed = false;

  constructor(options: TimelineControllerOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Opens the store. @throws SmolvlmError `timeline-…` */
  async open(): Promise<TimelineStore> {
    if (this.#closed) throw new SmolvlmError('timeline-closed', 'the timeline is closed');
    this.#store ??= this.#open();
    return await this.#store;
  }

  /** @throws SmolvlmError `timeline-…` if the entry is not kept */
  async keep(entry: NewTimelineEntry, picture: Uint8Array | undefined): Promise<Kept> {
    return await this.#bounded(async () => {
      const store = await this.open();
      const { pictures, pictureError } = await this.#pictures(picture);
      const id = await store.add(entry, pictures);
      const kept = await store.entry(id);
      if (!kept)
        throw new SmolvlmError(
          'timeline-full',
          'the entry was deleted at once: the limits leave no room for it',
        );
      return { entry: kept, ...defined({ pictureError }) };
    });
  }

  /** @throws SmolvlmError `timeline-…` */
  async search(query: (cameras: readonly string[]) => TimelineQuery): Promise<TimelinePage> {
    return await this.#bounded(async () => {
      const store = await this.open();
      const cameras = await store.cameras();
      return await store.search(query(cameras.map(({ camera }) => camera)));
    });
  }

  /** @throws SmolvlmError `timeline-…` */
  async digest(kind: DigestKind, atMs: number, fromMs?: number): Promise<Digest> {
    return await this.#bounded(async () => digestOf(await this.open(), kind, atMs, fromMs));
  }

  async close(): Promise<void> {
    this.#closed = true;
    const store = await this.#store?.catch(() => undefined);
    await store?.close();
  }

  async #open(): Promise<TimelineStore> {
    if (this.#now() < this.#retryAt) {
      this.#store = undefined;
      throw new SmolvlmError('timeline-folder', 'the timeline could not be opened a moment ago', {
        hint: 'See the first error of this node.',
      });
    }
    try {
      const store = await this.#options.open();
      store.onTrouble((error) => {
        if (error.code === 'timeline-thread') this.#leave(store);
        this.#options.onTrouble?.(error);
      });
      this.#options.onOpen?.(store);
      return store;
    } catch (error) {
      this.#store = undefined;
      this.#retryAt = this.#now() + retryMs;
      throw error;
    }
  }

  /** The next message opens the timeline again. */
  #leave(crashed: TimelineStore): void {
    this.#store = undefined;
    void crashed.close().catch(() => {});
  }

  async #pictures(
    picture: Uint8Array | undefined,
  ): Promise<{ readonly pictures: TimelinePictures; readonly pictureError?: unknown }> {
    const { keep, thumbnails } = this.#options;
    if (keep === 'none' || !picture) return { pictures: {} };
    try {
      const { jpeg } = await thumbnails.prepare(picture, thumbnailOptions);
      const thumbnail = defined({ thumbnail: jpeg });
      return { pictures: keep === 'picture' ? { ...thumbnail, picture } : thumbnail };
    } catch (pictureError) {
      return { pictures: {}, pictureError };
    }
  }

  async #bounded<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= mostRunning) {
      throw new SmolvlmError('timeline-busy', `${mostRunning} messages already wait for the timeline`, {
        hint: 'Messages arrive faster than they can be written. Send fewer of them.',
      });
    }
    this.#running++;
    try {
      return await work();
    } finally {
      this.#running--;
    }
  }
}
