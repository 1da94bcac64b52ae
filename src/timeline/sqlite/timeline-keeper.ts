import { join } from 'node:path';
import { errorBody, SmolvlmError } from '../../errors';
import { ClockJump } from '../../system/clock-jump';
import { defined } from '../../system/defined';
import { makeFolderSync } from '../../system/files/make-folder';
import type { TimelineAnswer, TimelineEntry } from '../timeline-entry';
import type { TimelineStatistics } from '../timeline-store';
import {
  keepShares,
  logReserveBytes,
  makeRoom,
  megabyte,
  mostPagesOf,
  type RetentionSettings,
  removeAboveShare,
  removeExcess,
  removeExpired,
} from './retention';
import { isFull, timelineFailure } from './sqlite-failure';
import type { SqliteLibrary } from './sqlite-library';
import { type Addition, additionBytes, pageBytes, type TimelineDatabase } from './timeline-database';
import { TimelineFile } from './timeline-file';
import type { TimelineReader } from './timeline-reader';

export interface KeeperOptions {
  readonly folder: string;
  readonly retention: RetentionSettings;
  /** Called for trouble that no caller is told. */
  readonly onTrouble: (error: SmolvlmError) => void;
}

export type Added = { readonly entry: TimelineEntry } | { readonly error: SmolvlmError };

/** Entries of one transaction, in bytes, where no limit makes it smaller. */
const batchBytes = 4 * megabyte;
/** Free pages are given back from this share of the file on. */
const freeShare = 0.25;
const shrinkPages = 2000;
/** The word index merges its parts from time to time, and has both then. How much that is shows when it fails. */
const spareStep = 0.03;
const mostSpareShare = 0.6;

/** Writes a timeline's entries, and keeps its file within its limits. Synchronous. */
export class TimelineKeeper {
  readonly #options: KeeperOptions;
  readonly #file: TimelineFile;
  readonly #limitBytes: number | undefined;
  readonly #clock: ClockJump;
  /** Room that is kept free beside the entries. */
  #spareBytes = 0;

  /** @throws SmolvlmError `timeline-…` */
  constructor(library: SqliteLibrary, options: KeeperOptions, clock = new ClockJump()) {
    this.#options = options;
    this.#clock = clock;
    const { megabytes } = options.retention;
    this.#limitBytes = megabytes === undefined ? undefined : megabytes * megabyte;
    try {
      // Captions and pictures are private.
      makeFolderSync(options.folder, 0o700);
    } catch (cause) {
      throw new SmolvlmError(
        'timeline-folder',
        `cannot make the folder ${options.folder}: ${errorBody(cause).message}`,
        {
          hint: 'Choose a folder that the user of this process may write to.',
          cause,
        },
      );
    }
    const { onTrouble } = options;
    const path = join(options.folder, 'timeline.db');
    this.#file = new TimelineFile(library, path, { onTrouble, ...defined({ limitBytes: this.#limitBytes }) });
  }

  /** Keeps entries, as many as one transaction takes. @returns a result for each of the first entries */
  add(additions: readonly Addition[]): Added[] {
    const mostBytes =
      this.#limitBytes === undefined
        ? batchBytes
        : Math.min(batchBytes, logReserveBytes(this.#limitBytes) / 2);
    let bytes = 0;
    let count = 0;
    for (const addition of additions) {
      const size = additionBytes(addition);
      if (count > 0 && bytes + size > mostBytes) break;
      if (size > mostBytes) return [{ error: tooLarge(size, mostBytes) }];
      bytes += size;
      count++;
    }
    const taken = additions.slice(0, count);
    for (;;) {
      try {
        const results = this.#write(taken, bytes);
        this.#limitLog();
        return results;
      } catch (thrown) {
        if (this.#makeSpare(thrown)) continue;
        const error = timelineFailure(thrown, this.#file.path);
        return taken.map(() => ({ error }));
      }
    }
  }

  /** @returns the entry with the answer, or undefined if there is none */
  addAnswer(id: number, question: string, answer: TimelineAnswer): TimelineEntry | undefined {
    return this.#named(() => {
      const entry = this.#file.use((database) =>
        database.statements.transaction(() => {
          if (this.#limitBytes !== undefined)
            makeRoom(database, pageBytes, this.#limitBytes, this.#spareBytes);
          return database.addAnswer(id, question, answer);
        }),
      );
      this.#limitLog();
      return entry;
    });
  }

  #write(additions: readonly Addition[], bytes: number): Added[] {
    return this.#file.use((database) =>
      database.statements.transaction(() => {
        if (this.#limitBytes !== undefined) makeRoom(database, bytes, this.#limitBytes, this.#spareBytes);
        const added = additions.map((addition): Added => {
          try {
            return { entry: database.add(addition) };
          } catch (error) {
            if (error instanceof SmolvlmError) return { error };
            throw error;
          }
        });
        keepShares(database, this.#options.retention);
        return added;
      }),
    );
  }

  /** Keeps more room free after SQLite needed more than the limit allows. @returns false if the disk itself is full, or nothing is left to delete */
  #makeSpare(thrown: unknown): boolean {
    if (this.#limitBytes === undefined || !isFull(thrown)) return false;
    const step = this.#limitBytes * spareStep;
    const most = mostPagesOf(this.#limitBytes);
    const { all, free } = this.#file.pages();
    // The transaction was undone, so the file is as it was before: a full disk leaves it well below its limit.
    if (all - free + (this.#spareBytes + 2 * step) / pageBytes < most && all < most * 0.9) return false;
    if (this.#spareBytes > this.#limitBytes * mostSpareShare) return false;
    this.#spareBytes += step;
    return true;
  }

  /** @returns how many there were */
  remove(ids: readonly number[]): number {
    return this.#named(() => {
      const removed = this.#file.use((database) =>
        database.statements.transaction(() => ids.filter((id) => database.remove(id)).length),
      );
      this.#limitLog();
      return removed;
    });
  }

  /** @throws SmolvlmError */
  read<T>(work: (reader: TimelineReader) => T): T {
    return this.#named(() => this.#file.use(({ reader }) => work(reader)));
  }

  /** Some of the work that is due from time to time. @returns whether there is more */
  maintain(): boolean {
    return this.#named(() => this.#maintain());
  }

  #maintain(): boolean {
    const removed = this.#file.use((database) =>
      database.statements.transaction(() => this.#removeSome(database)),
    );
    if (removed === 0) return this.#shrink();
    this.#limitLog();
    return true;
  }

  /** Entries that are too old, or for which a limit that was lowered has no room. @returns how many: 0 when none is left */
  #removeSome(database: TimelineDatabase): number {
    const { retention } = this.#options;
    const expired = this.#clock.isTrusted() ? removeExpired(database, retention, Date.now()) : 0;
    if (expired > 0) return expired;
    const aboveShare = removeAboveShare(database, retention);
    if (aboveShare > 0 || this.#limitBytes === undefined) return aboveShare;
    return removeExcess(database, 0, this.#limitBytes, this.#spareBytes);
  }

  /** Gives some free pages back: those above the limit, or any if they are many. @returns whether there may be more */
  #shrink(): boolean {
    if (!this.#file.isOpen) return false;
    const { all, free } = this.#file.pages();
    const most = this.#limitBytes === undefined ? all : mostPagesOf(this.#limitBytes);
    const above = Math.min(free, all - most);
    const isSparse = free >= shrinkPages && free >= all * freeShare;
    if (above <= 0 && !isSparse) return false;
    return this.#file.use(({ statements }) => {
      statements.shrink(isSparse ? shrinkPages : Math.min(shrinkPages, above));
      if (this.#limitBytes !== undefined) statements.limitPages(most);
      // The file itself shrinks only now.
      statements.checkpoint();
      return statements.pages().all < all;
    });
  }

  statistics(): TimelineStatistics {
    const counts = this.read((reader) => reader.statistics());
    return { ...counts, bytes: this.#file.bytes, ...defined({ limitBytes: this.#limitBytes }) };
  }

  close(): void {
    this.#file.close();
  }

  #limitLog(): void {
    if (this.#limitBytes === undefined) return;
    if (this.#file.logBytes > logReserveBytes(this.#limitBytes) / 2) {
      this.#file.use((database) => database.statements.checkpoint());
    }
  }

  #named<T>(work: () => T): T {
    try {
      return work();
    } catch (thrown) {
      throw timelineFailure(thrown, this.#file.path);
    }
  }
}

function tooLarge(bytes: number, most: number): SmolvlmError {
  return new SmolvlmError(
    'timeline-large',
    `expected an entry of at most ${Math.floor(most / 1000)} KB, received ${Math.ceil(bytes / 1000)} KB`,
    { hint: 'Keep the thumbnail only, make the picture smaller, or raise the limit in megabytes.' },
  );
}
