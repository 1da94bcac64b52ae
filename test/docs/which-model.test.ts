import assert from 'node:assert/strict';
import { familyModels } from '../../src/model/hub/model-family';
import { readPage } from './markdown';

/** The cells of the first row that begins with this text. */
function cells(page: string, first: string): readonly string[] {
  const row = readPage(page)
    .text.split('\n')
    .find((line) => line.startsWith(`| ${first}`));
  assert.ok(row, `${page} has a row ${first}`);
  return row.split('|').map((cell) => cell.trim());
}

describe('the page Which model on which machine', () => {
  const page = 'docs/which-model.md';

  it('has the download, memory and machine of each model that smolvlm pull --list shows', () => {
    for (const { id, downloadBytes, memoryBytes, machineGb } of familyModels) {
      const name = id.slice(id.indexOf('/') + 1);
      const [, , download, engine, machine] = cells(page, name);
      assert.equal(download, `${(downloadBytes / 1e9).toFixed(downloadBytes < 1e9 ? 2 : 1)} GB`, id);
      assert.equal(engine, `${(memoryBytes / 1e9).toFixed(1)} GB`, id);
      assert.equal(machine, `${machineGb} GB`, id);
    }
  });

  it('has the speeds of the page Performance', () => {
    const text = readPage(page).text;
    for (const row of [
      'vision, one tile, int8',
      'vision, one tile, float32',
      'int8 decoding',
      'int4 decoding',
    ]) {
      const [, , figure = ''] = cells('docs/performance.md', row);
      assert.ok(text.includes(`| ${figure} |`), `${row}: ${figure}`);
    }
    const [, , decoding = ''] = cells('docs/performance.md', 'decoding at 100 tokens of context');
    for (const speed of decoding.replace(/ tokens.*/, '').split(', ')) {
      assert.ok(text.includes(`| ${speed} tokens/s |`), speed);
    }
    const [, , peak = ''] = cells('docs/performance.md', 'peak while captioning');
    for (const size of peak.replace(' MB', '').split(', ')) assert.ok(text.includes(`| ${size} MB |`), size);
  });
});
