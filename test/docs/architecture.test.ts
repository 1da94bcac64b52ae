import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { repositoryRoot } from '../fixtures';
import { readPage } from './markdown';

type Table = Readonly<Record<string, readonly string[]>>;

interface ImportRules {
  readonly rooms: Table;
  readonly subRooms: Readonly<Record<string, Table>>;
  readonly nodeRooms: Table;
}

describe('docs/architecture.md', () => {
  const { text } = readPage('docs/architecture.md');
  let rules: ImportRules;

  before(async () => {
    rules = await import(pathToFileURL(join(repositoryRoot, 'scripts', 'import-rules.mjs')).href);
  });

  it('lists every room with what it may import, as scripts/import-rules.mjs has it', () => {
    assert.deepEqual(importTable('room', 'src/'), sorted(rules.rooms));
  });

  it('lists every sub-room with what it may import from its own room', () => {
    const expected = Object.entries(rules.subRooms).flatMap(([room, folders]) =>
      Object.entries(folders)
        // A room's own files that may import no sub-room need no row.
        .filter(([folder, allowed]) => folder !== '.' || allowed.length > 0)
        .map(([folder, allowed]) => [`${room}/${folder}`, allowed] as const),
    );
    assert.deepEqual(importTable('sub-room', 'src/'), sorted(Object.fromEntries(expected)));
  });

  it('lists the rooms that each node folder may import', () => {
    assert.deepEqual(importTable('node folder', 'nodes/'), sorted(rules.nodeRooms));
  });

  it('answers where something is with files that have what it names', () => {
    const [, body = ''] = /^## Where is .*\n([\s\S]*?)^## /m.exec(text) ?? [];
    const rows = body.split('\n').filter((line) => line.startsWith('| where '));
    assert.ok(rows.length > 10);
    for (const row of rows) {
      const spans = names(row);
      const files = spans.filter((span) => span.includes('/'));
      const code = files.map((file) => readFileSync(join(repositoryRoot, file), 'utf8')).join('\n');
      for (const name of spans.filter((span) => !files.includes(span))) {
        assert.ok(code.includes(name), `${name} in ${files.join(', ')}`);
      }
    }
  });

  it('names every folder of test/', () => {
    const mirrored = new Set([...Object.keys(rules.rooms), 'nodes']);
    const others = readdirSync(join(repositoryRoot, 'test'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !mirrored.has(entry.name))
      .map(({ name }) => name);
    assert.deepEqual(
      others.filter((name) => !text.includes(`\`test/${name}/`)),
      [],
    );
  });

  /** Names in the first cells of a table, without the folder they are in, with the names in the last cells. */
  function importTable(title: string, folder: string): Table {
    const [, body = ''] =
      new RegExp(`^\\| ${title} \\|.*\\n\\|[-|]+\\n((?:\\|.*\\n)+)`, 'm').exec(text) ?? [];
    const rows = body
      .trim()
      .split('\n')
      .map((line): readonly [string, readonly string[]] => {
        const cells = line.split('|').slice(1, -1).map(names);
        const [[name = ''] = []] = cells;
        assert.ok(name.startsWith(folder), line);
        return [name.slice(folder.length), cells.at(-1) ?? []];
      });
    return sorted(Object.fromEntries(rows));
  }
});

function names(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
}

function sorted(table: Table): Table {
  return Object.fromEntries(Object.entries(table).map(([name, allowed]) => [name, [...allowed].sort()]));
}
