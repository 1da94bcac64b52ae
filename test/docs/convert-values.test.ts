import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { precisionChoices } from '../../src/node-red/convert/convert-fields';
import { readPage } from './markdown';

describe('docs/nodes/smolvlm-convert.md', () => {
  const rows = readPage('docs/nodes/smolvlm-convert.md').text.split('\n');
  const row = (property: string): string => rows.find((line) => line.includes(`\`msg.${property}\``)) ?? '';

  it('names each chip and precision as a message has to', () => {
    for (const [target, precisions] of Object.entries(precisionChoices)) {
      assert.ok(row('target').includes(`\`${target}\``), target);
      for (const precision of precisions) assert.ok(row('precision').includes(`\`${precision}\``), precision);
    }
  });
});
