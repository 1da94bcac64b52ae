import assert from 'node:assert/strict';
import { fieldChoice } from '../../src/node-red/choice-field';
import { fieldNumber } from '../../src/node-red/number-field';

describe('fieldNumber', () => {
  const threads = { least: 1, most: 256, isWhole: true } as const;

  it('reads numbers and text, and takes a blank field for the standard', () => {
    assert.deepEqual([fieldNumber('8', 'threads', threads), fieldNumber(8, 'threads', threads)], [8, 8]);
    for (const blank of [undefined, '', '  ']) {
      assert.equal(fieldNumber(blank, 'threads', threads), undefined);
      assert.equal(fieldNumber(blank, 'idle', { least: 1, most: 100, standard: 60 }), 60);
    }
    assert.equal(fieldNumber(null as never, 'threads', threads), undefined);
  });

  for (const value of ['0', '257', '1.5', 'many', 'NaN', '1e400', -1]) {
    it(`refuses ${value}, naming the field and its limits`, () => {
      assert.throws(() => fieldNumber(value, 'threads', threads), {
        code: 'node-property',
        message: `threads: expected a whole number from 1 to 256, received ${value}`,
      });
    });
  }
});

describe('fieldChoice', () => {
  const policies = ['newest', 'oldest'] as const;

  it('takes a blank field for the standard', () => {
    assert.equal(fieldChoice('', 'policy', policies, 'newest'), 'newest');
    assert.equal(fieldChoice(undefined, 'policy', policies, undefined), undefined);
    assert.equal(fieldChoice('oldest', 'policy', policies, 'newest'), 'oldest');
  });

  it('refuses another choice, naming those there are', () => {
    assert.throws(() => fieldChoice('best', 'policy', policies, 'newest'), {
      code: 'node-property',
      message: 'policy: expected one of newest, oldest, received best',
    });
  });
});
