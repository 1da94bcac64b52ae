import assert from 'node:assert/strict';
import { editorTexts } from './editor-texts';
import { readPages } from './markdown';

/** Words of Node-RED and Home Assistant that the pages quote. */
const othersWords = new Set([
  'Manage palette',
  'Install',
  'Import',
  'Import copy',
  'Examples',
  'Export',
  'View',
  'Deploy',
  'Add',
  'Done',
  'Name',
  'Messages',
  'Describe now',
  'Protocol',
]);

const quotingPages = /^(README|docs\/(nodes|troubleshooting|privacy|doctor|hubs|home-assistant))/;

describe('the pages for people', () => {
  it('quote labels that the editor shows', () => {
    const shown = [...editorTexts()];
    const isShown = (label: string): boolean =>
      othersWords.has(label) || shown.some((text) => text === label || text.startsWith(`${label} (`));
    const quoted = readPages()
      .filter(({ path }) => quotingPages.test(path))
      .flatMap(({ path, text }) =>
        labels(text)
          .filter((label) => !isShown(label))
          .map((label) => `${path}: ${label}`),
      );
    assert.deepEqual(quoted, []);
  });
});

/** Words between single asterisks that begin with a capital letter. */
function labels(text: string): readonly string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]+`/g, '');
  return [...prose.matchAll(/(?<![*\w])\*(\p{Lu}[^*\n.{]+)\*(?![*\w])/gu)].map(([, label = '']) => label);
}
