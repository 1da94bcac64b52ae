import { SmolvlmError } from '../../errors';
import type { SqliteDatabase } from './sqlite-library';

/** Marks the file as a timeline: "SmVT". */
const applicationId = 0x536d5654;

/**
 * Each step brings a database from the version of its place in this list to the next one, in one transaction. A released
 * step is never changed.
 */
const migrations: readonly string[] = [
  `CREATE TABLE camera (
     id INTEGER PRIMARY KEY,
     name TEXT NOT NULL UNIQUE,
     entries INTEGER NOT NULL DEFAULT 0,
     pictures INTEGER NOT NULL DEFAULT 0,
     bytes INTEGER NOT NULL DEFAULT 0
   );
   CREATE TABLE entry (
     id INTEGER PRIMARY KEY,
     camera INTEGER NOT NULL REFERENCES camera (id),
     day INTEGER NOT NULL,
     text TEXT NOT NULL,
     answers TEXT,
     prompt TEXT,
     model TEXT,
     changed INTEGER NOT NULL,
     seconds REAL,
     width INTEGER,
     height INTEGER,
     thumbnail_bytes INTEGER NOT NULL,
     picture_bytes INTEGER NOT NULL,
     bytes INTEGER NOT NULL
   );
   CREATE INDEX entry_camera ON entry (camera, id);
   CREATE INDEX entry_changed ON entry (camera, id) WHERE changed = 1;
   CREATE TABLE picture (
     id INTEGER PRIMARY KEY,
     thumbnail BLOB,
     picture BLOB
   );
   CREATE TABLE day (
     camera INTEGER NOT NULL,
     day INTEGER NOT NULL,
     entries INTEGER NOT NULL,
     changed INTEGER NOT NULL,
     PRIMARY KEY (camera, day)
   ) WITHOUT ROWID;
   CREATE VIRTUAL TABLE words USING fts5 (
     text, answers, facet,
     content='', contentless_delete=1, prefix='2 3 4 5 6 7 8', tokenize='unicode61 remove_diacritics 2'
   );`,
];

/** @throws SmolvlmError `timeline-version` */
export function migrate(database: SqliteDatabase): void {
  const application = pragma(database, 'application_id');
  const version = pragma(database, 'user_version');
  if (
    version > migrations.length ||
    (application !== applicationId && (application !== 0 || version !== 0))
  ) {
    throw new SmolvlmError(
      'timeline-version',
      `expected a timeline of version ${migrations.length} or older, found version ${version}`,
      { hint: 'Install the newer version of this package again, or choose another folder.' },
    );
  }
  for (const [index, step] of migrations.entries()) {
    if (index < version) continue;
    database.exec(
      `BEGIN IMMEDIATE; ${step} PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${index + 1}; COMMIT`,
    );
  }
}

/** A pragma's number. */
export function pragma(database: SqliteDatabase, name: string): number {
  const row = database.prepare(`PRAGMA ${name}`).get();
  return Number(row?.[name] ?? 0);
}
