import { existsSync, renameSync, statSync } from 'node:fs';
import { SmolvlmError } from '../../errors';
import { logReserveBytes, mostPagesOf } from './retention';
import { isDamage, isIndexDamage, timelineFailure } from './sqlite-failure';
import type { SqliteLibrary } from './sqlite-library';
import { pageBytes, TimelineDatabase } from './timeline-database';

/** SQLite's own files beside the database, and the database. */
const endings = ['', '-wal', '-shm'] as const;

export interface TimelineFileOptions {
  readonly limitBytes?: number;
  /** Called when a damaged file was replaced. */
  readonly onTrouble: (error: SmolvlmError) => void;
}

/** The file of a timeline: opens it, repairs its index, and replaces it when it is damaged. Synchronous. */
export class TimelineFile {
  readonly path: string;
  readonly #library: SqliteLibrary;
  readonly #options: TimelineFileOptions;
  #database: TimelineDatabase;
  /** False while a damaged file could not be replaced: the next use tries again. */
  #isOpen = true;

  /** @throws SmolvlmError `timeline-…` */
  constructor(library: SqliteLibrary, path: string, options: TimelineFileOptions) {
    this.#library = library;
    this.path = path;
    this.#options = options;
    this.#database = this.#openOrReplace();
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** On the disk, with the log of what was written last. */
  get bytes(): number {
    return endings.reduce((sum, end) => sum + fileBytes(`${this.path}${end}`), 0);
  }

  get logBytes(): number {
    return fileBytes(`${this.path}-wal`);
  }

  /** Pages of the file, and how many of them are free. */
  pages(): { readonly all: number; readonly free: number } {
    return this.#database.statements.pages();
  }

  /** Runs work; repairs a damaged index, and moves a damaged file aside before it throws. */
  use<T>(work: (database: TimelineDatabase) => T): T {
    if (!this.#isOpen) {
      this.#database = this.#openOrReplace();
      this.#isOpen = true;
    }
    try {
      return work(this.#database);
    } catch (thrown) {
      if (isIndexDamage(thrown)) {
        try {
          this.#database.rebuildIndex();
          return work(this.#database);
        } catch {
          // The file itself is damaged.
        }
      }
      if (isDamage(thrown)) {
        this.#database.statements.close();
        this.#isOpen = false;
        this.#database = this.#replace(thrown);
        this.#isOpen = true;
      }
      throw thrown;
    }
  }

  close(): void {
    if (this.#isOpen) this.#database.statements.close();
  }

  #openOrReplace(): TimelineDatabase {
    try {
      return this.#open();
    } catch (thrown) {
      if (isDamage(thrown)) return this.#replace(thrown);
      throw timelineFailure(thrown, this.path);
    }
  }

  #open(): TimelineDatabase {
    const { limitBytes } = this.#options;
    const file = this.#library(this.path);
    try {
      const pages = limitBytes === undefined ? 1000 : logReserveBytes(limitBytes) / 2 / pageBytes;
      file.exec(`PRAGMA wal_autocheckpoint = ${Math.min(1000, Math.floor(pages))}`);
      const database = new TimelineDatabase(file);
      if (limitBytes !== undefined) database.statements.limitPages(mostPagesOf(limitBytes));
      database.reader.statistics();
      return database;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Moves the damaged file aside and begins another. Nothing is deleted. */
  #replace(cause: unknown): TimelineDatabase {
    const aside = `${this.path}.damaged-${new Date().toISOString().replaceAll(':', '-')}`;
    for (const end of endings) {
      if (existsSync(`${this.path}${end}`)) renameSync(`${this.path}${end}`, `${aside}${end}`);
    }
    this.#options.onTrouble(
      new SmolvlmError(
        'timeline-damaged',
        `the timeline was damaged and is now ${aside}; a new one was started`,
        {
          hint: 'Check the disk. The sqlite3 program’s .recover reads what is left of the old file.',
          cause,
        },
      ),
    );
    return this.#open();
  }
}

function fileBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
