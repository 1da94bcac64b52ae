import assert from 'node:assert/strict';
import { readModelConfigs } from '../../src/model/checkpoint/checkpoint';
import { hubBytes, modelMemory, smallestHub } from '../../src/model/checkpoint/model-memory';
import { fixture } from '../fixtures';
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

  it('has the memory that smolvlm inspect memory computes', async () => {
    for (const [first, ...place] of [
      ['SmolVLM-256M-Instruct', 'goldens', 'smolvlm-256m'],
      ['SmolVLM-500M-Instruct', 'sizes', 'smolvlm-500m'],
      ['SmolVLM-Instruct (2.2B)', 'sizes', 'smolvlm-2.2b'],
      ['SmolVLM2-256M-Video-Instruct', 'goldens', 'smolvlm-256m'],
      ['SmolVLM2-500M-Video-Instruct', 'sizes', 'smolvlm-500m'],
      ['SmolVLM2-2.2B-Instruct', 'sizes', 'smolvlm2-2.2b'],
    ] as const) {
      const { config } = await readModelConfigs(fixture(...place));
      const bytes = hubBytes(modelMemory(config), 'all on the CPU', 1000);
      const [, , , engine, machine] = cells(page, first);
      assert.equal(engine, `${(bytes / 1e9).toFixed(1)} GB`, first);
      assert.equal(machine, `${smallestHub(bytes)} GB`, first);
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
