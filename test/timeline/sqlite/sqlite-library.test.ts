import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { sqliteLibrary } from '../../../src/timeline/sqlite/sqlite-library';

describe('the SQLite library', () => {
  it('is libsql where Node.js has none', () => {
    const asked: string[] = [];
    const library = sqliteLibrary((name) => {
      asked.push(name);
      if (name === 'node:sqlite') throw new Error('No such built-in module: node:sqlite');
      return require(name);
    });
    const database = library(':memory:');
    assert.equal(database.prepare('SELECT typeof(?) AS type').get(1.7e15)?.type, 'integer');
    database.close();
    assert.deepEqual(asked, ['node:sqlite', 'libsql']);
  });

  it('names both and the way out where there is none', () => {
    const load = (name: string): never => {
      throw new Error(`Cannot find ${name}\nRequire stack: …`);
    };
    assert.throws(() => sqliteLibrary(load), {
      code: 'timeline-library',
      message: /node:sqlite: Cannot find node:sqlite; libsql: Cannot find libsql$/,
      hint: /22\.13 or later.*--omit=optional/,
    });
  });
});
