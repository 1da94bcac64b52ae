import assert from 'node:assert/strict';
import { RunWatch, watchLoad } from '../../../src/backends/rkllm/run-watch';
import { ManualClock } from '../../system/manual-clock';

describe('RunWatch', () => {
  let clock: ManualClock;
  let events: string[];
  /** A native run, until the test ends it. */
  let returned: (status: number) => void;
  let call: Promise<number>;
  beforeEach(() => {
    clock = new ManualClock();
    events = [];
    call = new Promise((resolve) => {
      returned = resolve;
    });
  });
  const watch = (): RunWatch =>
    new RunWatch({ clock, silenceMs: 60_000, lostMs: 20_000, onLost: () => void events.push('lost') }, () => {
      events.push('abort');
      return Promise.resolve();
    });

  it('aborts a run that is silent for too long, and gives up on it when it does not stop', async () => {
    const given = assert.rejects(watch().over(call), { code: 'npu-lost' });
    clock.advance(59_999);
    assert.deepEqual(events, []);
    clock.advance(1);
    assert.deepEqual(events, ['abort']);
    clock.advance(20_000);
    await given;
    assert.deepEqual(events, ['abort', 'lost']);
  });

  it('counts no silence while the process is stopped', async () => {
    const over = watch().over(call);
    clock.stop(100_000);
    assert.deepEqual(events, []);
    returned(0);
    assert.equal(await over, 0);
    assert.equal(clock.timers, 0);
  });

  it('gives an aborted run its time when the process is stopped meanwhile', async () => {
    const run = watch();
    const over = run.over(call);
    run.stop();
    clock.stop(100_000);
    returned(-1);
    assert.equal(await over, -1);
    assert.deepEqual(events, ['abort']);
  });

  it('gives a file its time to load when the process is stopped meanwhile', async () => {
    const loaded = watchLoad({ clock, loadMs: 120_000, onLost: () => void events.push('lost') }, call);
    clock.stop(200_000);
    returned(7);
    assert.equal(await loaded, 7);
    assert.deepEqual(events, []);
  });
});
