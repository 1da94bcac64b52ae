import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { repositoryRoot } from '../fixtures';
import { readPages } from './markdown';

interface ShownPicture {
  readonly page: string;
  readonly alt: string;
  readonly file: string;
}

/** Pictures that pages show. */
function shownPictures(): readonly ShownPicture[] {
  return readPages().flatMap(({ path, text }) =>
    [...text.matchAll(/!\[([^\]]*)\]\(([^)\s]+)\)/g)].map(([, alt = '', target = '']) => ({
      page: path,
      alt,
      file: normalize(join(path, '..', target)),
    })),
  );
}

describe('the pictures in docs/img', () => {
  const folder = join('docs', 'img');
  const files = readdirSync(join(repositoryRoot, folder)).map((name) => join(folder, name));
  const shown = shownPictures();

  it('are all shown by a page', () => {
    assert.deepEqual(
      files.filter((path) => !shown.some(({ file }) => file === path)),
      [],
    );
  });

  it('are described for those who cannot see them', () => {
    for (const { page, alt, file } of shown) assert.match(alt, /\w.* \w/, `${page}: ${file}`);
  });

  it('are small enough for a page', () => {
    for (const file of files) assert.ok(statSync(join(repositoryRoot, file)).size < 3_000_000, file);
  });
});
