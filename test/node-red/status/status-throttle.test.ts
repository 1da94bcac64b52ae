import assert from 'node:assert/strict';
import type { NodeStatus } from '../../../src/node-red/status/node-status';
import { StatusThrottle } from '../../../src/node-red/status/status-throttle';
import { ManualClock } from '../../system/manual-clock';

describe('StatusThrottle', () => {
  let clock: ManualClock;
  let shown: string[];
  let throttle: StatusThrottle;

  beforeEach(() => {
    clock = new ManualClock();
    shown = [];
    throttle = new StatusThrottle(
      ({ phrases: [phrase] }) => void shown.push(`${clock.now()} ${phrase?.key}`),
      clock,
    );
  });

  const show = (text: string, fill: NodeStatus['fill'] = 'blue'): void =>
    throttle.show({ fill, shape: 'dot', phrases: [{ key: text }] });

  it('shows two changes at once, and later the last of the others', () => {
    for (const text of ['a', 'b', 'c', 'd']) show(text);
    assert.deepEqual(shown, ['0 a', '0 b']);
    clock.advance(1000);
    assert.deepEqual(shown, ['0 a', '0 b', '1000 d']);
  });

  it('never shows more than two changes in a second', () => {
    for (let step = 0; step < 200; step++) {
      show(`${step}`);
      clock.advance(25);
    }
    const times = shown.map((line) => Number(line.split(' ')[0]));
    assert.ok(times.length >= 8, String(times));
    for (const [index, time] of times.entries()) {
      assert.ok(index < 2 || time - (times[index - 2] as number) >= 1000, String(times));
    }
  });

  it('does not repeat a status', () => {
    show('a');
    show('a');
    show('a', 'green');
    assert.deepEqual(shown, ['0 a', '0 a']);
  });

  it('shows nothing after it is closed', () => {
    for (const text of ['a', 'b', 'c']) show(text);
    throttle.close();
    clock.advance(5000);
    assert.deepEqual(shown, ['0 a', '0 b']);
  });
});
