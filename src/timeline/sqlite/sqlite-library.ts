import { SmolvlmError } from '../../errors';

export type SqlValue = string | number | bigint | Uint8Array | null;
export type SqlRow = Record<string, unknown>;

/** What the timeline uses of an SQLite library. */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

export interface SqliteStatement {
  run(...values: SqlValue[]): { readonly changes: number | bigint };
  get(...values: SqlValue[]): SqlRow | undefined;
  all(...values: SqlValue[]): SqlRow[];
  /** Of Node.js' own library: whether integers are given as bigint. */
  setReadBigInts?(on: boolean): void;
}

export type SqliteLibrary = (file: string) => SqliteDatabase;

interface NodeSqlite {
  readonly DatabaseSync: new (file: string) => SqliteDatabase;
}
type Libsql = new (file: string) => SqliteDatabase;

/** The SQLite of Node.js itself (22.13 and later), else the optional package libsql. @throws SmolvlmError `timeline-library` */
export function sqliteLibrary(load: (name: string) => unknown = require): SqliteLibrary {
  const failures: string[] = [];
  for (const [name, open] of libraries) {
    try {
      const library = open(load(name));
      const memory = library(':memory:');
      try {
        memory.exec("CREATE VIRTUAL TABLE t USING fts5(x, content='', contentless_delete=1)");
      } finally {
        memory.close();
      }
      return library;
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
    }
  }
  throw new SmolvlmError('timeline-library', `no SQLite library can be loaded: ${failures.join('; ')}`, {
    hint: 'Use Node.js 22.13 or later, which has SQLite, or install this package without --omit=optional.',
  });
}

const libraries: readonly (readonly [string, (module: unknown) => SqliteLibrary])[] = [
  ['node:sqlite', (module) => (file) => withIntegers(new (module as NodeSqlite).DatabaseSync(file))],
  ['libsql', (module) => (file) => withIntegers(new (module as Libsql)(file))],
];

/** Both libraries hand every number over as a REAL, with which FTS5 does not narrow a range of rows: whole ones become INTEGER. */
function withIntegers(database: SqliteDatabase): SqliteDatabase {
  return {
    exec: (sql) => database.exec(sql),
    close: () => database.close(),
    prepare: (sql) => {
      const statement = database.prepare(sql);
      return {
        run: (...values) => {
          // FTS5 inserts rows with ids above 2^53: as numbers they are errors in Node.js 26.
          statement.setReadBigInts?.(true);
          try {
            return statement.run(...values.map(integer));
          } finally {
            statement.setReadBigInts?.(false);
          }
        },
        get: (...values) => statement.get(...values.map(integer)),
        all: (...values) => statement.all(...values.map(integer)),
      };
    },
  };
}

function integer(value: SqlValue): SqlValue {
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
}
