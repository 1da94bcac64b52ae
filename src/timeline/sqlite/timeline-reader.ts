import { defined } from '../../system/defined';
import type { TimelineEntry } from '../timeline-entry';
import type {
  TimelineCamera,
  TimelineDay,
  TimelinePage,
  TimelineQuery,
  TimelineStatistics,
  TimelineSummary,
} from '../timeline-store';
import { dayText, entryColumns, entryOf, idAt, idsPerMs } from './entry-row';
import { searchExpression } from './search-words';
import type { SqlRow, SqlValue } from './sqlite-library';
import type { Statements } from './statements';

const defaultLimit = 50;
const mostEntries = 1000;

/** What an open timeline is asked. */
export class TimelineReader {
  readonly #statements: Statements;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  search(query: TimelineQuery): TimelinePage {
    const limit = Math.min(mostEntries, Math.max(1, Math.floor(query.limit ?? defaultLimit)));
    const camera = query.camera === undefined ? undefined : this.knownCamera(query.camera);
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
    const rows = this.#statements.all(
      `SELECT ${entryColumns} FROM ${tables} CROSS JOIN camera ON camera.id = entry.camera
       ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`} ORDER BY ${id} DESC LIMIT ?`,
      ...values,
      limit + 1,
    );
    const entries = rows.slice(0, limit).map(entryOf);
    return { entries, ...defined({ next: rows.length > limit ? entries.at(-1)?.id : undefined }) };
  }

  entry(id: number): TimelineEntry | undefined {
    const row = this.#statements.get(
      `SELECT ${entryColumns} FROM entry JOIN camera ON camera.id = entry.camera WHERE entry.id = ?`,
      id,
    );
    return row && entryOf(row);
  }

  picture(id: number): Uint8Array | undefined {
    return blobOf(this.#statements.get('SELECT picture AS bytes FROM picture WHERE id = ?', id));
  }

  thumbnail(id: number): Uint8Array | undefined {
    return blobOf(this.#statements.get('SELECT thumbnail AS bytes FROM picture WHERE id = ?', id));
  }

  cameras(): TimelineCamera[] {
    return this.#statements
      .all(
        `SELECT name, entries, (SELECT max(entry.id) FROM entry WHERE entry.camera = camera.id) AS last
       FROM camera WHERE entries > 0 ORDER BY name`,
      )
      .map((row) => ({
        camera: String(row.name),
        entries: Number(row.entries),
        lastMs: Math.floor(Number(row.last) / idsPerMs),
      }));
  }

  days(camera: string | undefined): TimelineDay[] {
    const known = camera === undefined ? undefined : (this.knownCamera(camera) ?? -1);
    const where = known === undefined ? '' : 'WHERE camera = ?';
    return this.#statements
      .all(
        `SELECT day, sum(entries) AS entries, sum(changed) AS changed FROM day ${where} GROUP BY day ORDER BY day DESC`,
        ...(known === undefined ? [] : [known]),
      )
      .map((row) => ({
        day: dayText(Number(row.day)),
        entries: Number(row.entries),
        changed: Number(row.changed),
      }));
  }

  summary({ from, to }: { readonly from: number; readonly to: number }): TimelineSummary[] {
    return this.#statements
      .all(
        `SELECT camera.name AS camera, count(*) AS entries, sum(changed) AS changed, min(entry.id) AS first, max(entry.id) AS last
       FROM entry JOIN camera ON camera.id = entry.camera WHERE entry.id >= ? AND entry.id < ?
       GROUP BY entry.camera ORDER BY camera.name`,
        idAt(from),
        idAt(to),
      )
      .map((row) => ({
        camera: String(row.camera),
        entries: Number(row.entries),
        changed: Number(row.changed),
        firstMs: Math.floor(Number(row.first) / idsPerMs),
        lastMs: Math.floor(Number(row.last) / idsPerMs),
      }));
  }

  statistics(): Omit<TimelineStatistics, 'bytes' | 'limitBytes'> {
    const sums = this.#statements.get(
      `SELECT coalesce(sum(entries), 0) AS entries, coalesce(sum(pictures), 0) AS pictures, count(*) AS cameras
       FROM camera WHERE entries > 0`,
    );
    const range = this.#statements.get(
      'SELECT min(id) AS first, (SELECT max(id) FROM entry) AS last FROM entry',
    );
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
    return this.#statements.all('SELECT id, name, bytes FROM camera WHERE entries > 0').map((row) => ({
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
    return this.#statements
      .all(
        `SELECT id, bytes FROM entry ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`} ORDER BY id LIMIT ?`,
        ...values,
        limit,
      )
      .map((row) => ({ id: Number(row.id), bytes: Number(row.bytes) }));
  }

  /** @returns the id of a camera that has had entries */
  knownCamera(name: string): number | undefined {
    const row = this.#statements.get('SELECT id FROM camera WHERE name = ?', name);
    return row && Number(row.id);
  }
}

function blobOf(row: SqlRow | undefined): Uint8Array | undefined {
  const bytes = row?.bytes;
  return bytes instanceof Uint8Array ? bytes : undefined;
}
