import assert from 'node:assert/strict';
import { dialogValues } from '../../src/node-red/dialog-values';

describe('dialogValues', () => {
  it('are numbers as text, a schema as text, and nothing that is null', () => {
    const schema = { type: 'object' };
    assert.deepEqual(dialogValues({ model: 5, prompt: null, schema, text: 'x' } as object), {
      model: '5',
      schema: '{"type":"object"}',
      text: 'x',
    });
  });

  it('leave ticks and lists as they are', () => {
    const dialog = { unchanged: false, masks: [[[0, 0]]], wires: [['a']] };
    assert.deepEqual(dialogValues(dialog), dialog);
  });
});
