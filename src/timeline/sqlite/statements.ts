import { pragma } from './schema';
import type { SqliteDatabase, SqliteStatement, SqlRow, SqlValue } from './sqlite-library';

/** An open database: its statements, prepared once each, its transactions and its file. Synchronous. */
export class Statements {
  readonly #database: SqliteDatabase;
  readonly #prepared = new Map<string, SqliteStatement>();

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  run(sql: string, ...values: SqlValue[]): void {
    this.#statement(sql).run(...values);
  }

  get(sql: string, ...values: SqlValue[]): SqlRow | undefined {
    return this.#statement(sql).get(...values);
  }

  all(sql: string, ...values: SqlValue[]): SqlRow[] {
    return this.#statement(sql).all(...values);
  }

  /** All or none of the work. */
  transaction<T>(work: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      try {
        this.#database.exec('ROLLBACK');
      } catch {
        // SQLite has rolled back already after a full disk.
      }
      throw error;
    }
  }

  /** Pages of the file, and those that hold nothing. */
  pages(): { readonly all: number; readonly free: number } {
    return {
      all: pragma(this.#database, 'page_count'),
      free: pragma(this.#database, 'freelist_count'),
    };
  }

  /** Pages that the file may grow to. SQLite takes the file's size instead where that is more. */
  limitPages(pages: number): void {
    this.#database.exec(`PRAGMA max_page_count = ${pages}`);
  }

  /** Moves what is in the write-ahead log into the file, and empties the log. */
  checkpoint(): void {
    this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  /** Gives free pages back to the file system. */
  shrink(pages: number): void {
    // The statement gives a row per page and must be read to its end.
    this.#database.prepare(`PRAGMA incremental_vacuum(${Math.max(0, Math.floor(pages))})`).all();
  }

  close(): void {
    this.#prepared.clear();
    try {
      this.checkpoint();
    } catch {
      // The log is read again when the file is next opened.
    }
    this.#database.close();
  }

  #statement(sql: string): SqliteStatement {
    let statement = this.#prepared.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }
}
