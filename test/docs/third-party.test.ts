import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../fixtures';

const read = (file: string): string => readFileSync(join(repositoryRoot, file), 'utf8');

interface Locked {
  readonly version: string;
  readonly dev?: boolean;
}

describe('THIRD-PARTY.md', () => {
  it('lists each package of an installation in its version: run scripts/third-party.mjs', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> };
    const page = read('THIRD-PARTY.md');
    const wanted = Object.entries(packages).flatMap(([path, { version, dev }]) => {
      const name = path.split('node_modules/').at(-1);
      return !name || dev ? [] : [`| ${name} | ${version} |`];
    });
    assert.deepEqual(
      wanted.filter((row) => !page.includes(row)),
      [],
    );
    const rows = page.match(/^\| (?!package)\S+ \| .*$/gm) ?? [];
    assert.deepEqual(
      rows.filter((row) => !wanted.some((each) => row.startsWith(each))),
      [],
    );
  });
});
