import assert from 'node:assert/strict';
import { parseEngineAddress } from '../../src/client/engine-address';

describe("an engine's address", () => {
  it('is local when empty, or an http(s) URL', () => {
    assert.deepEqual(parseEngineAddress(undefined), { kind: 'local' });
    assert.deepEqual(parseEngineAddress(' local '), { kind: 'local' });
    assert.deepEqual(parseEngineAddress('http://hub:8372', 'secret'), {
      kind: 'remote',
      url: new URL('http://hub:8372'),
      token: 'secret',
    });
    assert.deepEqual(parseEngineAddress('https://hub/smolvlm', ''), {
      kind: 'remote',
      url: new URL('https://hub/smolvlm'),
    });
  });

  it('is refused otherwise, in words that say how to write it', () => {
    for (const text of [
      'hub:8372',
      'ftp://hub',
      'hub',
      'http://hub?x=1',
      'http://user:secret@hub',
      'https://hub/#sha256=12',
      `http://hub/#sha256=${'0'.repeat(64)}`,
      'https://hub/#x',
    ]) {
      assert.throws(() => parseEngineAddress(text), { code: 'engine-address' }, text);
    }
  });

  it('never repeats a password', () => {
    assert.throws(
      () => parseEngineAddress('http://user:secret@hub'),
      (error: Error) => !error.message.includes('secret'),
    );
  });
});
