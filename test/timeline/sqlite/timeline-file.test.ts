import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import type { SmolvlmError } from '../../../src/errors';
import { type SqliteLibrary, sqliteLibrary } from '../../../src/timeline/sqlite/sqlite-library';
import { TimelineDatabase } from '../../../src/timeline/sqlite/timeline-database';
import { type Added, TimelineKeeper } from '../../../src/timeline/sqlite/timeline-keeper';
import { useTempFolder } from '../../temp-folder';

const library = sqliteLibrary();

function assertKept(result: Added | undefined): void {
  assert.ok(result && 'entry' in result, JSON.stringify(result));
}

describe('a timeline’s file', () => {
  const path = useTempFolder();

  function open(chosen: SqliteLibrary = library): { keeper: TimelineKeeper; trouble: SmolvlmError[] } {
    const trouble: SmolvlmError[] = [];
    const onTrouble = (error: SmolvlmError): void => void trouble.push(error);
    const keeper = new TimelineKeeper(chosen, { folder: path('timeline'), retention: {}, onTrouble });
    return { keeper, trouble };
  }

  it('moves a file that is not a database aside, says so and begins another', () => {
    const first = open();
    first.keeper.add([{ entry: { camera: 'porch', text: 'a fox' }, pictures: {} }]);
    first.keeper.close();
    writeFileSync(path('timeline', 'timeline.db'), 'not a database, but a text of some length. '.repeat(200));
    const { keeper, trouble } = open();
    assert.equal(trouble[0]?.code, 'timeline-damaged');
    const aside = readdirSync(path('timeline')).find((name) => name.includes('.damaged-'));
    assert.ok(aside && readFileSync(path('timeline', aside), 'utf8').startsWith('not a database'));
    assert.ok(trouble[0]?.message.includes(aside));
    assertKept(keeper.add([{ entry: { camera: 'porch', text: 'a badger' }, pictures: {} }])[0]);
    keeper.close();
  });

  it('notices damage in the middle of the file, reports it and continues with another file', () => {
    const first = open();
    for (let index = 0; index < 300; index++) {
      first.keeper.add([
        { entry: { camera: 'porch', text: `number ${index}`, timeMs: 1e12 + index }, pictures: {} },
      ]);
    }
    first.keeper.close();
    const file = path('timeline', 'timeline.db');
    const bytes = readFileSync(file);
    bytes.fill(0xa5, 4096, bytes.length);
    writeFileSync(file, bytes);
    const { keeper, trouble } = open();
    assertKept(keeper.add([{ entry: { camera: 'porch', text: 'after' }, pictures: {} }])[0]);
    assert.deepEqual(
      trouble.map(({ code }) => code),
      ['timeline-damaged'],
    );
    keeper.close();
  });

  it('works again as soon as a damaged file can be replaced', () => {
    let isDamaged = false;
    let opened = 0;
    const fragile: SqliteLibrary = (file) => {
      if (++opened === 2) throw Object.assign(new Error('unable to open'), { errcode: 14 });
      const database = library(file);
      const { exec } = database;
      return {
        ...database,
        prepare: (sql) => database.prepare(sql),
        close: () => database.close(),
        exec: (sql) => {
          if (isDamaged) throw Object.assign(new Error('malformed'), { errcode: 11 });
          return exec.call(database, sql);
        },
      };
    };
    const { keeper, trouble } = open(fragile);
    const addition = { entry: { camera: 'porch', text: 'a fox' }, pictures: {} };
    isDamaged = true;
    const [failed] = keeper.add([addition]);
    assert.equal(failed && 'error' in failed && failed.error.code, 'timeline-folder');
    isDamaged = false;
    assertKept(keeper.add([addition])[0]);
    assert.deepEqual(
      trouble.map(({ code }) => code),
      ['timeline-damaged'],
    );
    keeper.close();
  });

  it('refuses a timeline of a newer version and leaves it as it is', () => {
    open().keeper.close();
    const database = library(path('timeline', 'timeline.db'));
    database.exec('PRAGMA user_version = 99');
    database.close();
    assert.throws(() => open(), { code: 'timeline-version' });
  });

  it('makes the word index again from the entries', () => {
    const database = new TimelineDatabase(library(path('words.db')));
    database.statements.transaction(() =>
      database.add({
        entry: { camera: 'porch', text: 'a fox', answers: { what: 'a hedgehog' } },
        pictures: {},
      }),
    );
    database.rebuildIndex();
    const found = database.reader.search({ text: 'hedgehog fox', camera: 'porch', changed: true });
    assert.equal(found.entries.length, 1);
    database.statements.close();
  });
});
