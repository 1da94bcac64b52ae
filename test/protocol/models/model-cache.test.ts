import assert from 'node:assert/strict';
import { hubId, seldom } from '../../../src/protocol/models/model-cache';

describe('hubId', () => {
  it('accepts ORG/NAME, and refuses everything else', () => {
    assert.equal(hubId(' HuggingFaceTB/SmolVLM-256M-Instruct '), 'HuggingFaceTB/SmolVLM-256M-Instruct');
    for (const text of [
      '',
      'demo',
      '/etc/passwd',
      '../../etc',
      'a/../b',
      'a/..',
      './a',
      '-x/y',
      'a/b/c',
      'a/b@main',
    ]) {
      assert.throws(() => hubId(text), { code: 'hub-not-found' }, text);
    }
  });
});

describe('seldom', () => {
  it('passes the first progress on, one every half second, and the complete one', () => {
    let nowMs = 1000;
    const seen: number[] = [];
    const report = seldom(
      ({ doneBytes }) => seen.push(doneBytes),
      () => nowMs,
    );
    for (const [doneBytes, afterMs] of [
      [1, 0],
      [2, 499],
      [3, 1],
      [4, 10],
      [100, 10],
    ] as const) {
      nowMs += afterMs;
      report({ doneBytes, totalBytes: 100 });
    }
    assert.deepEqual(seen, [1, 3, 100]);
  });
});
