import { SmolvlmError } from '../../errors';
import type { NewTimelineEntry, TimelineAnswer, TimelineEntry, TimelinePictures } from '../timeline-entry';
import { answerWords, dayNumber, idAt, idsPerMs, isSameText, latestMs } from './entry-row';
import { migrate } from './schema';
import { indexedText } from './search-words';
import type { SqliteDatabase, SqlRow } from './sqlite-library';
import { Statements } from './statements';
import { TimelineReader } from './timeline-reader';

/** Pages of SQLite's default size; a picture takes whole ones. */
export const pageBytes = 4096;
/** About what an entry takes beside its texts and pictures: rows, three indexes. */
const rowBytes = 200;
/** A text takes its row's bytes and about as many in the index. */
const indexShare = 1;

/** An entry and its pictures, before it is kept. */
export interface Addition {
  readonly entry: NewTimelineEntry;
  readonly pictures: TimelinePictures;
}

/** A timeline on an open database: what changes it. Synchronous; runs on the timeline's thread. */
export class TimelineDatabase {
  readonly statements: Statements;
  readonly reader: TimelineReader;

  /** Opens or migrates. @throws SmolvlmError `timeline-version`, and what SQLite throws */
  constructor(database: SqliteDatabase) {
    this.statements = new Statements(database);
    this.reader = new TimelineReader(this.statements);
    // WAL with FULL: a commit is on the disk before it is acknowledged, and a reader never blocks it.
    database.exec(
      'PRAGMA busy_timeout = 5000; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA secure_delete = FAST; PRAGMA cache_size = -16000',
    );
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 4194304',
    );
    migrate(database);
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
    this.statements.run(
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
      this.statements.run(
        'INSERT INTO picture (id, thumbnail, picture) VALUES (?, ?, ?)',
        id,
        thumbnail ? Buffer.from(thumbnail.buffer, thumbnail.byteOffset, thumbnail.byteLength) : null,
        picture ? Buffer.from(picture.buffer, picture.byteOffset, picture.byteLength) : null,
      );
    }
    this.#index(id, entry.text, entry.answers, changed ? `c${camera} x1` : `c${camera}`);
    this.statements.run(
      'UPDATE camera SET entries = entries + 1, pictures = pictures + ?, bytes = bytes + ? WHERE id = ?',
      picture ? 1 : 0,
      bytes,
      camera,
    );
    this.statements.run(
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
    const row = this.statements.get('SELECT camera, text, answers, changed FROM entry WHERE id = ?', id);
    if (!row) return undefined;
    const before = row.answers === null ? '' : String(row.answers);
    const answers = { ...(before === '' ? {} : JSON.parse(before)), [question]: answer };
    const json = JSON.stringify(answers);
    const added = (Buffer.byteLength(json) - Buffer.byteLength(before)) * (1 + indexShare);
    this.statements.run('UPDATE entry SET answers = ?, bytes = bytes + ? WHERE id = ?', json, added, id);
    this.statements.run('UPDATE camera SET bytes = bytes + ? WHERE id = ?', added, Number(row.camera));
    this.statements.run('DELETE FROM words WHERE rowid = ?', id);
    this.#index(id, String(row.text), answers, facetOf(row));
    return this.reader.entry(id);
  }

  /** In a transaction. @returns whether there was one */
  remove(id: number): boolean {
    const row = this.statements.get(
      'SELECT camera, day, changed, picture_bytes, bytes FROM entry WHERE id = ?',
      id,
    );
    if (!row) return false;
    const { camera, day, changed, picture_bytes: pictureBytes, bytes } = row as Record<string, number>;
    this.statements.run('DELETE FROM entry WHERE id = ?', id);
    this.statements.run('DELETE FROM picture WHERE id = ?', id);
    this.statements.run('DELETE FROM words WHERE rowid = ?', id);
    this.statements.run(
      'UPDATE camera SET entries = entries - 1, pictures = pictures - ?, bytes = bytes - ? WHERE id = ?',
      (pictureBytes ?? 0) > 0 ? 1 : 0,
      bytes ?? 0,
      camera ?? 0,
    );
    this.statements.run(
      'UPDATE day SET entries = entries - 1, changed = changed - ? WHERE camera = ? AND day = ?',
      changed ?? 0,
      camera ?? 0,
      day ?? 0,
    );
    this.statements.run(
      'DELETE FROM day WHERE camera = ? AND day = ? AND entries <= 0',
      camera ?? 0,
      day ?? 0,
    );
    return true;
  }

  /** Makes the word index again from the entries. */
  rebuildIndex(): void {
    this.statements.transaction(() => {
      this.statements.run("INSERT INTO words (words) VALUES ('delete-all')");
      const rows = this.statements.all('SELECT id, camera, text, answers, changed FROM entry ORDER BY id');
      for (const row of rows) {
        const answers = row.answers === null ? undefined : JSON.parse(String(row.answers));
        this.#index(Number(row.id), String(row.text), answers, facetOf(row));
      }
    });
  }

  /** @param facet the camera, and whether the entry is a change */
  #index(id: number, text: string, answers: NewTimelineEntry['answers'], facet: string): void {
    this.statements.run(
      'INSERT INTO words (rowid, text, answers, facet) VALUES (?, ?, ?, ?)',
      id,
      indexedText(text),
      indexedText(answerWords(answers)),
      facet,
    );
  }

  #cameraId(name: string): number {
    const known = this.reader.knownCamera(name);
    if (known !== undefined) return known;
    this.statements.run('INSERT INTO camera (name) VALUES (?)', name);
    return this.reader.knownCamera(name) as number;
  }

  #freeId(timeMs: number): number {
    if (!Number.isFinite(timeMs) || timeMs < 0 || timeMs > latestMs) {
      throw new SmolvlmError('timeline-time', `expected a time from 1970 to 2255, received ${timeMs} ms`);
    }
    const first = idAt(timeMs);
    const row = this.statements.get(
      'SELECT max(id) AS id FROM entry WHERE id >= ? AND id < ?',
      first,
      first + idsPerMs,
    );
    const id = row?.id == null ? first : Number(row.id) + 1;
    if (id < first + idsPerMs) return id;
    throw new SmolvlmError('timeline-time', `more than ${idsPerMs} entries have the time ${timeMs} ms`);
  }

  #isChange(camera: number, id: number, text: string): boolean {
    const before = this.statements.get(
      'SELECT text FROM entry WHERE camera = ? AND id < ? ORDER BY id DESC LIMIT 1',
      camera,
      id,
    );
    return before === undefined || !isSameText(String(before.text), text);
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
