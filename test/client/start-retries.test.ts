import assert from 'node:assert/strict';
import { StartRetries, startFailure } from '../../src/client/start-retries';
import { ManualClock } from '../system/manual-clock';

describe('retries of an engine that fails to start', () => {
  it('are two, at once, after a signal', () => {
    const retries = new StartRetries(new ManualClock());
    assert.deepEqual(
      [1, 2, 3].map(() => retries.pauseMs('killed')),
      [0, 0, undefined],
    );
  });

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
    const commonJs = "Error: Cannot find module './serve'\n  code: 'MODULE_NOT_FOUND'";
    const esModule = "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'ajv' imported from /x/y.mjs";
    assert.deepEqual(
      [commonJs, esModule, 'no such device'].map((log) => startFailure(log, false)),
      ['incomplete', 'incomplete', 'other'],
    );
    assert.equal(startFailure(commonJs, true), 'killed');
  });
});
