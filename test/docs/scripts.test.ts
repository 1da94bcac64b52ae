import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../fixtures';

describe('scripts/', () => {
  const folder = join(repositoryRoot, 'scripts');
  const scripts = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.mjs'),
  );

  for (const name of scripts) {
    it(`${name} loads only compiled files that exist`, () => {
      const text = readFileSync(join(folder, name), 'utf8');
      const loaded = [
        ...[...text.matchAll(/load\('\.\/([^']+\.js)'\)/g)].map(([, path]) => `dist/src/${path}`),
        ...[...text.matchAll(/['/](dist\/src\/[\w/.-]+\.js)['"]/g)].map(([, path]) => path as string),
      ];
      assert.deepEqual(
        loaded.filter((path) => !existsSync(join(repositoryRoot, path))),
        [],
      );
    });
  }
});
