import assert from 'node:assert/strict';
import { fingerprintDigits } from '../../../src/picture/camera/fingerprint';

describe('a fingerprint', () => {
  it('is read with colons or spaces, in either case', () => {
    const digits = 'AB'.repeat(32);
    for (const text of [digits, digits.toLowerCase(), 'ab:'.repeat(32), 'Ab '.repeat(32)]) {
      assert.equal(fingerprintDigits(text), digits);
    }
  });

  it('has 64 digits', () => {
    for (const text of ['', 'AB'.repeat(31), 'AB'.repeat(33)])
      assert.equal(fingerprintDigits(text), undefined);
  });
});
