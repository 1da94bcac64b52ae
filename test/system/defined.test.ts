import assert from 'node:assert/strict';
import { type Defined, defined } from '../../src/system/defined';

describe('defined', () => {
  it('leaves out undefined fields and keeps every other value', () => {
    assert.deepEqual(Object.keys(defined({ a: undefined, b: null, c: 0, d: '', e: false })), [
      'b',
      'c',
      'd',
      'e',
    ]);
  });

  it('makes a field that may be undefined an optional one', () => {
    const given: { readonly name: string; readonly age: number | undefined } = { name: 'x', age: undefined };
    const person: { name: string; age?: number } = defined(given);
    const typed: Defined<typeof given> = { name: 'y' };
    assert.deepEqual([person, typed], [{ name: 'x' }, { name: 'y' }]);
  });
});
