import assert from 'node:assert/strict';
import { encodeEvent, isEngineEvent, NdjsonDecoder } from '../../src/protocol/ndjson';

describe('event stream', () => {
  const events = [
    { type: 'queued', id: 'a', waiting: 1 },
    { type: 'token', id: 'a', text: 'zwölf Äpfel\n🍎' },
    { type: 'dropped', id: 'a', reason: 'expired', message: 'too old' },
  ] as const;
  const bytes = Buffer.from(`\n${events.map(encodeEvent).join('\n')}\n`);

  it('comes out the same however its bytes are packed', () => {
    for (const size of [1, 2, 3, 7, bytes.length]) {
      const decoder = new NdjsonDecoder();
      const lines: object[] = [];
      for (let at = 0; at < bytes.length; at += size)
        lines.push(...decoder.push(bytes.subarray(at, at + size)));
      assert.deepEqual(lines, events);
    }
  });

  it('refuses a line without end and a line that is not an object', () => {
    const decoder = new NdjsonDecoder(10);
    decoder.push(Buffer.from('12345678'));
    assert.throws(() => decoder.push(Buffer.from('90123')), { code: 'protocol-line-too-long' });
    for (const line of ['<html>\n', '[1]\n', 'null\n']) {
      assert.throws(() => new NdjsonDecoder().push(Buffer.from(line)), { code: 'protocol-bad-line' });
    }
  });

  it('skips lines of unknown types', () => {
    assert.ok(isEngineEvent(events[0]));
    assert.ok(!isEngineEvent({ type: 'later', id: 'a' }));
    assert.ok(!isEngineEvent({ type: 'token' }));
  });
});
