import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../../fixtures';
import { assertSet, fixedParts } from '../../nodes/catalog-typography';
import { original, translations } from '../../nodes/catalogs';

const folder = join(repositoryRoot, 'src', 'timeline', 'page');

/** Words that are the same in both languages. */
const same: Readonly<Record<string, readonly string[]>> = {
  de: ['live', 'dayCount'],
  fr: ['menu', 'dayCount'],
  'zh-CN': [],
};

function catalog(language: string): Readonly<Record<string, string>> {
  return JSON.parse(readFileSync(join(folder, 'locales', `${language}.json`), 'utf8'));
}

describe('catalogs of the captions page', () => {
  const english = catalog(original);

  it('hold each word that the page shows, and no other', () => {
    const code = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .join('\n');
    const isShown = (key: string): boolean => {
      const [group = '', name] = key.split('.');
      return code.includes(`'${key}'`) || (name !== undefined && code.includes(`\`${group}.$`));
    };
    assert.deepEqual(
      Object.keys(english).filter((key) => !isShown(key)),
      [],
    );
  });

  for (const language of translations) {
    const translated = catalog(language);

    it(`has every text in ${language}, translated, with what is filled in`, () => {
      assert.deepEqual(Object.keys(translated), Object.keys(english));
      for (const [key, text] of Object.entries(translated)) {
        assert.deepEqual(fixedParts(text), fixedParts(english[key] ?? ''), key);
        if (!same[language]?.includes(key)) assert.notEqual(text, english[key], key);
      }
    });

    it(`is set as ${language} is`, () => {
      for (const [key, text] of Object.entries(translated)) assertSet(language, text, key);
    });
  }
});
