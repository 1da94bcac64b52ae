import assert from 'node:assert/strict';
import { StartRetries, startFailure } from '../../src/client/start-retries';
import { ManualClock } from '../system/manual-clock';

describe('retries of an engine that fails to start', () => {
  for (const [failure, words] of [
    ['killed', 'after a signal'],
    ['unused', 'after an engine that no client used in time'],
  ] as const) {
    it(`are two, at once, ${words}`, () => {
      const retries = new StartRetries(new ManualClock());
      assert.deepEqual(
        [1, 2, 3].map(() => retries.pauseMs(failure)),
        [0, 0, undefined],
      );
    });
  }

  it('take place for 15 s, at growing intervals, while files are missing', () => {
    const clock = new ManualClock();
    const retries = new StartRetries(clock);
    const pauses: number[] = [];
    for (let ms = retries.pauseMs('incomplete'); ms !== undefined; ms = retries.pauseMs('incomplete')) {
      pauses.push(ms);
      clock.advance(ms);
    }
    assert.deepEqual(pauses.slice(0, 5), [250, 500, 1000, 2000, 2000]);
    assert.ok(clock.now() >= 15_000 && clock.now() < 17_000, `${clock.now()} ms`);
  });

  it('do not take place after another failure', () => {
    assert.equal(new StartRetries(new ManualClock()).pauseMs('other'), undefined);
  });

  it('depend on what the engine wrote', () => {
    const incomplete = [
      "Error: Cannot find module './serve'\n  code: 'MODULE_NOT_FOUND'",
      "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'ajv' imported from /x/y.mjs",
      '/x/dist/src/cli/serve.js:9\nconst { a\n\nSyntaxError: Unexpected end of input',
      "SyntaxError: The requested module './a.js' does not provide an export named 'b'",
      'SyntaxError: Error parsing /x/package.json: Unexpected end of JSON input',
      'Error: Invalid package config /x/package.json.\n  code: ERR_INVALID_PACKAGE_CONFIG',
      "Error: /x/koffi.node: file too short\n  code: 'ERR_DLOPEN_FAILED'",
    ];
    for (const log of incomplete) assert.equal(startFailure(log, 1), 'incomplete', log);
    assert.equal(startFailure('no such device', 1), 'other');
    assert.equal(startFailure('no client uses this engine: it stops', 0), 'unused');
    assert.equal(startFailure(incomplete[0] ?? '', 'signal'), 'killed');
  });

  it('take place when the program is an empty file', () => {
    assert.equal(startFailure('', 0), 'incomplete');
    assert.equal(startFailure('', 1), 'other');
    assert.equal(startFailure('', undefined), 'other');
  });
});
