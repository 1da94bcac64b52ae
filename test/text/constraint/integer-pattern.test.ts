import assert from 'node:assert/strict';
import { ByteAutomaton, dead } from '../../../src/text/constraint/byte-automaton';
import { integerPattern } from '../../../src/text/constraint/integer-pattern';

function accepts(automaton: ByteAutomaton, text: string): boolean {
  let state = automaton.start;
  for (const byte of Buffer.from(text)) {
    state = automaton.step(state, byte);
    if (state === dead) return false;
  }
  return automaton.accepts(state);
}

describe('integerPattern', () => {
  for (const [minimum, maximum] of [
    [0, 0],
    [0, 9],
    [3, 17],
    [0, 255],
    [99, 1000],
    [101, 999],
    [-5, 5],
    [-120, -13],
    [-1, 1204],
  ] as const) {
    it(`matches the integers from ${minimum} to ${maximum}, and no others`, () => {
      const automaton = new ByteAutomaton(integerPattern(minimum, maximum));
      for (let value = -1300; value <= 1300; value++) {
        assert.equal(accepts(automaton, String(value)), minimum <= value && value <= maximum, `${value}`);
      }
      for (const text of ['', '-', '-0', '00', '01', '1.', '1e1'])
        assert.equal(accepts(automaton, text), false, text);
    });
  }
});
