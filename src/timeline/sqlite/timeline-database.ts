import { SmolvlmError } from '../../errors';
import { defined } from '../../system/defined';
import type { NewTimelineEntry, TimelineAnswer, TimelineEntry, TimelinePictures } from '../timeline-entry';
import type {
  TimelineCamera,
  TimelineDay,
  TimelinePage,
  TimelineQuery,
  TimelineStatistics,
  TimelineSummary,
} from '../timeline-store';
import {
  answerWords,
  dayNumber,
  dayText,
  entryColumns,
  entryOf,
  idsPerMs,
  isSameText,
  latestMs,
} from './entry-row';
import { migrate, pragma } from './schema';
import { indexedText, searchExpression } from './search-words';
import type { SqliteDatabase, SqliteStatement, SqlRow, SqlValue } from './sqlite-library';

/** Pages of SQLite's default size; a picture takes whole ones. */
export const pageBytes = 4096;
/** About what an entry takes beside its texts and pictures: rows, three indexes. */
const rowBytes = 200;
/** A text takes its row's bytes and about as many in the index. */
const indexShare = 1;

const defaultLimit = 50;
const mostEntries = 1000;

/** An entry and its pictures, before it is kept. */
export interface Addition {
  readonly entry: NewTimelineEntry;
  readonly pictures: TimelinePictures;
}

/** The statements of a timeline on an open database. Synchronous; runs on the timeline's thread. */
export class TimelineDatabase {
  readonly #database: SqliteDatabase;
  readonly #statements = new Map<string, SqliteStatement>();

  /** Opens or migrates. @throws SmolvlmError `timeline-version`, and what SQLite throws */
  constructor(database: SqliteDatabase) {
    this.#database = database;
    // WAL with FULL: a commit is on the disk before it is acknowledged, and a reader never blocks it.
    database.exec(
      'PRAGMA busy_timeout = 5000; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA secure_delete = FAST; PRAGMA cache_size = -16000',
    );
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 4194304',
    );
    migrate(database);
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

  /** In a transaction. @throws SmolvlmError `timeline-time` */
  add({ entry, pictures }: Addition): TimelineEntry {
    const timeMs = entry.timeMs ?? Date.now();
    const camera = this.#cameraId(entry.camera);
    const id = this.#freeId(timeMs);
    const changed = entry.changed ?? this.#isChange(camera, id, entry.text);
    const day = dayNumber(timeMs);
    const { thumbnail, picture } = pictures;
    const bytes = additionBytes({ entry, pictures });
    this.#run(
      `INSERT INTO entry (id, camera, day, text, answers, prompt, model, changed, seconds, width, height,
         thumbnail_bytes, picture_bytes, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      camera,
      day,
      entry.text,
      entry.answers === undefined ? null : JSON.stringify(entry.answers),
      entry.prompt ?? null,
      entry.model ?? null,
      changed ? 1 : 0,
      entry.seconds ?? null,
      entry.width ?? null,
      entry.height ?? null,
      thumbnail?.byteLength ?? 0,
      picture?.byteLength ?? 0,
      bytes,
    );
    if (thumbnail || picture) {
      this.#run(
        'INSERT INTO picture (id, thumbnail, picture) VALUES (?, ?, ?)',
        id,
        thumbnail ? Buffer.from(thumbnail.buffer, thumbnail.byteOffset, thumbnail.byteLength) : null,
        picture ? Buffer.from(picture.buffer, picture.byteOffset, picture.byteLength) : null,
      );
    }
    this.#index(id, entry.text, entry.answers, changed ? `c${camera} x1` : `c${camera}`);
    this.#run(
      'UPDATE camera SET entries = entries + 1, pictures = pictures + ?, bytes = bytes + ? WHERE id = ?',
      picture ? 1 : 0,
      bytes,
      camera,
    );
    this.#run(
      `INSERT INTO day (camera, day, entries, changed) VALUES (?, ?, 1, ?)
       ON CONFLICT DO UPDATE SET entries = entries + 1, changed = changed + excluded.changed`,
      camera,
      day,
      changed ? 1 : 0,
    );
    const { timeMs: _time, changed: _changed, ...rest } = entry;
    return {
      ...rest,
      ...{ id, timeMs, changed, hasPicture: picture !== undefined, hasThumbnail: thumbnail !== undefined },
    };
  }

  /** In a transaction. A later answer to the same question replaces the one before. */
  addAnswer(id: number, question: string, answer: TimelineAnswer): TimelineEntry | undefined {
    const row = this.#get('SELECT camera, text, answers, changed FROM entry WHERE id = ?', id);
    if (!row) return undefined;
    const before = row.answers === null ? '' : String(row.answers);
    const answers = { ...(before === '' ? {} : JSON.parse(before)), [question]: answer };
    const json = JSON.stringify(answers);
    const added = (Buffer.byteLength(json) - Buffer.byteLength(before)) * (1 + indexShare);
    this.#run('UPDATE entry SET answers = ?, bytes = bytes + ? WHERE id = ?', json, added, id);
    this.#run('UPDATE camera SET bytes = bytes + ? WHERE id = ?', added, Number(row.camera));
    this.#run('DELETE FROM words WHERE rowid = ?', id);
    this.#index(id, String(row.text), answers, facetOf(row));
    return this.entry(id);
  }

  /** In a transaction. @returns whether there was one */
  remove(id: number): boolean {
    const row = this.#get('SELECT camera, day, changed, picture_bytes, bytes FROM entry WHERE id = ?', id);
    if (!row) return false;
    const { camera, day, changed, picture_bytes: pictureBytes, bytes } = row as Record<string, number>;
    this.#run('DELETE FROM entry WHERE id = ?', id);
    this.#run('DELETE FROM picture WHERE id = ?', id);
    this.#run('DELETE FROM words WHERE rowid = ?', id);
    this.#run(
      'UPDATE camera SET entries = entries - 1, pictures = pictures - ?, bytes = bytes - ? WHERE id = ?',
      (pictureBytes ?? 0) > 0 ? 1 : 0,
      bytes ?? 0,
      camera ?? 0,
    );
    this.#run(
      'UPDATE day SET entries = entries - 1, changed = changed - ? WHERE camera = ? AND day = ?',
      changed ?? 0,
      camera ?? 0,
      day ?? 0,
    );
    this.#run('DELETE FROM day WHERE camera = ? AND day = ? AND entries <= 0', camera ?? 0, day ?? 0);
    return true;
  }

  search(query: TimelineQuery): TimelinePage {
    const limit = Math.min(mostEntries, Math.max(1, Math.floor(query.limit ?? defaultLimit)));
    const camera = query.camera === undefined ? undefined : this.#knownCamera(query.camera);
    if (query.camera !== undefined && camera === undefined) return { entries: [] };
    const expression = query.text === undefined ? undefined : searchExpression(query.text);
    if (expression === undefined && query.text !== undefined && query.text.trim() !== '')
      return { entries: [] };

    const values: SqlValue[] = [];
    const conditions: string[] = [];
    const where = (condition: string, value: SqlValue): void => {
      conditions.push(condition);
      values.push(value);
    };
    const id = expression === undefined ? 'entry.id' : 'words.rowid';
    if (expression !== undefined) {
      // Camera and change are words of the index too: FTS5 intersects them without reading rows.
      const facets = [
        ...(camera === undefined ? [] : [`c${camera}`]),
        ...(query.changed === true ? ['x1'] : []),
      ].map((facet) => ` AND facet : "${facet}"`);
      where('words MATCH ?', `({text answers} : (${expression}))${facets.join('')}`);
    } else {
      if (camera !== undefined) where('entry.camera = ?', camera);
      if (query.changed === true) conditions.push('entry.changed = 1');
    }
    if (query.changed === false) conditions.push('entry.changed = 0');
    // Ids begin with the time, so a range of times is a range of ids.
    if (query.from !== undefined) where(`${id} >= ?`, idAt(query.from));
    if (query.to !== undefined) where(`${id} < ?`, idAt(query.to));
    if (query.before !== undefined) where(`${id} < ?`, Math.trunc(query.before));

    const tables = expression === undefined ? 'entry' : 'words CROSS JOIN entry ON entry.id = words.rowid';
    const rows = this.#all(
      `SELECT ${entryColumns} FROM ${tables} CROSS JOIN camera ON camera.id = entry.camera
       ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`} ORDER BY ${id} DESC LIMIT ?`,
      ...values,
      limit + 1,
    );
    const entries = rows.slice(0, limit).map(entryOf);
    return { entries, ...defined({ next: rows.length > limit ? entries.at(-1)?.id : undefined }) };
  }

  entry(id: number): TimelineEntry | undefined {
    const row = this.#get(
      `SELECT ${entryColumns} FROM entry JOIN camera ON camera.id = entry.camera WHERE entry.id = ?`,
      id,
    );
    return row && entryOf(row);
  }

  picture(id: number): Uint8Array | undefined {
    return blobOf(this.#get('SELECT picture AS bytes FROM picture WHERE id = ?', id));
  }

  thumbnail(id: number): Uint8Array | undefined {
    return blobOf(this.#get('SELECT thumbnail AS bytes FROM picture WHERE id = ?', id));
  }

  cameras(): TimelineCamera[] {
    return this.#all(
      `SELECT name, entries, (SELECT max(entry.id) FROM entry WHERE entry.camera = camera.id) AS last
       FROM camera WHERE entries > 0 ORDER BY name`,
    ).map((row) => ({
      camera: String(row.name),
      entries: Number(row.entries),
      lastMs: Math.floor(Number(row.last) / idsPerMs),
    }));
  }

  days(camera: string | undefined): TimelineDay[] {
    const known = camera === undefined ? undefined : (this.#knownCamera(camera) ?? -1);
    const where = known === undefined ? '' : 'WHERE camera = ?';
    return this.#all(
      `SELECT day, sum(entries) AS entries, sum(changed) AS changed FROM day ${where} GROUP BY day ORDER BY day DESC`,
      ...(known === undefined ? [] : [known]),
    ).map((row) => ({
      day: dayText(Number(row.day)),
      entries: Number(row.entries),
      changed: Number(row.changed),
    }));
  }

  summary({ from, to }: { readonly from: number; readonly to: number }): TimelineSummary[] {
    return this.#all(
      `SELECT camera.name AS camera, count(*) AS entries, sum(changed) AS changed, min(entry.id) AS first, max(entry.id) AS last
       FROM entry JOIN camera ON camera.id = entry.camera WHERE entry.id >= ? AND entry.id < ?
       GROUP BY entry.camera ORDER BY camera.name`,
      idAt(from),
      idAt(to),
    ).map((row) => ({
      camera: String(row.camera),
      entries: Number(row.entries),
      changed: Number(row.changed),
      firstMs: Math.floor(Number(row.first) / idsPerMs),
      lastMs: Math.floor(Number(row.last) / idsPerMs),
    }));
  }

  statistics(): Omit<TimelineStatistics, 'bytes' | 'limitBytes'> {
    const sums = this.#get(
      `SELECT coalesce(sum(entries), 0) AS entries, coalesce(sum(pictures), 0) AS pictures, count(*) AS cameras
       FROM camera WHERE entries > 0`,
    );
    const range = this.#get('SELECT min(id) AS first, (SELECT max(id) FROM entry) AS last FROM entry');
    const { first, last } = (range ?? {}) as Record<string, number | null>;
    return {
      entries: Number(sums?.entries),
      cameras: Number(sums?.cameras),
      pictures: Number(sums?.pictures),
      ...defined({
        oldestMs: first == null ? undefined : Math.floor(first / idsPerMs),
        newestMs: last == null ? undefined : Math.floor(last / idsPerMs),
      }),
    };
  }

  /** The cameras with what their entries take. */
  cameraShares(): { readonly id: number; readonly camera: string; readonly bytes: number }[] {
    return this.#all('SELECT id, name, bytes FROM camera WHERE entries > 0').map((row) => ({
      id: Number(row.id),
      camera: String(row.name),
      bytes: Number(row.bytes),
    }));
  }

  /** Ids and sizes of the oldest entries. @param camera its id, or undefined for all @param olderThanMs only entries before this time */
  oldest(
    limit: number,
    camera?: number,
    olderThanMs?: number,
  ): { readonly id: number; readonly bytes: number }[] {
    const conditions = [
      ...(camera === undefined ? [] : ['camera = ?']),
      ...(olderThanMs === undefined ? [] : ['id < ?']),
    ];
    const values = [
      ...(camera === undefined ? [] : [camera]),
      ...(olderThanMs === undefined ? [] : [idAt(olderThanMs)]),
    ];
    return this.#all(
      `SELECT id, bytes FROM entry ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`} ORDER BY id LIMIT ?`,
      ...values,
      limit,
    ).map((row) => ({ id: Number(row.id), bytes: Number(row.bytes) }));
  }

  /** Makes the word index again from the entries. */
  rebuildIndex(): void {
    this.transaction(() => {
      this.#database.exec("INSERT INTO words (words) VALUES ('delete-all')");
      const rows = this.#all('SELECT id, camera, text, answers, changed FROM entry ORDER BY id');
      for (const row of rows) {
        const answers = row.answers === null ? undefined : JSON.parse(String(row.answers));
        this.#index(Number(row.id), String(row.text), answers, facetOf(row));
      }
    });
  }

  /** Pages of the file, and those that hold nothing. */
  pages(): { readonly all: number; readonly free: number } {
    return {
      all: pragma(this.#database, 'page_count'),
      free: pragma(this.#database, 'freelist_count'),
    };
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
    this.#statements.clear();
    try {
      this.checkpoint();
    } catch {
      // The log is read again when the file is next opened.
    }
    this.#database.close();
  }

  /** @param facet the camera, and whether the entry is a change */
  #index(id: number, text: string, answers: NewTimelineEntry['answers'], facet: string): void {
    this.#run(
      'INSERT INTO words (rowid, text, answers, facet) VALUES (?, ?, ?, ?)',
      id,
      indexedText(text),
      indexedText(answerWords(answers)),
      facet,
    );
  }

  #cameraId(name: string): number {
    const known = this.#knownCamera(name);
    if (known !== undefined) return known;
    this.#run('INSERT INTO camera (name) VALUES (?)', name);
    return this.#knownCamera(name) as number;
  }

  #knownCamera(name: string): number | undefined {
    const row = this.#get('SELECT id FROM camera WHERE name = ?', name);
    return row && Number(row.id);
  }

  #freeId(timeMs: number): number {
    if (!Number.isFinite(timeMs) || timeMs < 0 || timeMs > latestMs) {
      throw new SmolvlmError('timeline-time', `expected a time from 1970 to 2255, received ${timeMs} ms`);
    }
    const first = idAt(timeMs);
    const row = this.#get(
      'SELECT max(id) AS id FROM entry WHERE id >= ? AND id < ?',
      first,
      first + idsPerMs,
    );
    const id = row?.id == null ? first : Number(row.id) + 1;
    if (id < first + idsPerMs) return id;
    throw new SmolvlmError('timeline-time', `more than ${idsPerMs} entries have the time ${timeMs} ms`);
  }

  #isChange(camera: number, id: number, text: string): boolean {
    const before = this.#get(
      'SELECT text FROM entry WHERE camera = ? AND id < ? ORDER BY id DESC LIMIT 1',
      camera,
      id,
    );
    return before === undefined || !isSameText(String(before.text), text);
  }

  #statement(sql: string): SqliteStatement {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #run(sql: string, ...values: SqlValue[]): void {
    this.#statement(sql).run(...values);
  }

  #get(sql: string, ...values: SqlValue[]): SqlRow | undefined {
    return this.#statement(sql).get(...values);
  }

  #all(sql: string, ...values: SqlValue[]): SqlRow[] {
    return this.#statement(sql).all(...values);
  }
}

/** About what an entry takes on the disk. */
export function additionBytes({ entry, pictures }: Addition): number {
  const texts = [entry.text, entry.answers && JSON.stringify(entry.answers), entry.prompt, entry.model];
  const characters = texts.reduce((sum, text) => sum + Buffer.byteLength(text ?? ''), 0);
  const blobs = [pictures.thumbnail, pictures.picture].reduce(
    (sum, blob) => sum + (blob?.byteLength ?? 0),
    0,
  );
  const blobPages = blobs === 0 ? 0 : Math.ceil((blobs + 50) / (pageBytes - 4));
  return rowBytes + characters * (1 + indexShare) + blobPages * pageBytes;
}

/** The words by which the index finds a camera's entries, and those that are changes. */
function facetOf({ camera, changed }: SqlRow): string {
  return changed === 1 ? `c${camera} x1` : `c${camera}`;
}

function idAt(timeMs: number): number {
  return Math.min(latestMs, Math.max(0, Math.ceil(timeMs))) * idsPerMs;
}

function blobOf(row: SqlRow | undefined): Uint8Array | undefined {
  const bytes = row?.bytes;
  return bytes instanceof Uint8Array ? bytes : undefined;
}
