import assert from 'node:assert/strict';
import { CaptionTask } from '../../../src/node-red/caption/caption-task';
import { ManualClock } from '../../system/manual-clock';

describe('CaptionTask', () => {
  function started(deadlineMs: number) {
    const sent: string[] = [];
    const clock = new ManualClock();
    const options = {
      deadlineMs,
      stream: false,
      fallback: { text: () => 'no caption', always: false, late: false },
      deliver: (output: string) => void sent.push(output),
      copy: (message: object) => ({ ...message }) as never,
      onFallback: () => undefined,
    };
    return { clock, sent, task: new CaptionTask({ _msgid: '1' } as never, options, clock) };
  }

  it('sends the fallback at the deadline, and cancels the request', () => {
    const { clock, sent, task } = started(500);
    clock.advance(499);
    assert.deepEqual([sent, task.signal.aborted], [[], false]);
    clock.advance(1);
    assert.deepEqual([sent, task.signal.aborted], [['caption'], true]);
  });

  it('waits if the deadline is longer than the longest timer', () => {
    const { clock, sent } = started(5e9);
    clock.advance(1e9);
    assert.deepEqual(sent, []);
  });

  it('sends no fallback once the node closes', () => {
    const { clock, sent, task } = started(20);
    task.close();
    clock.advance(80);
    assert.deepEqual(sent, []);
    assert.equal(task.dropped('cancelled', 'the node closes').kind, 'dropped');
    assert.deepEqual(sent, ['dropped']);
  });
});
