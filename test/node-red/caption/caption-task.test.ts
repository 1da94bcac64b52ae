import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { CaptionTask } from '../../../src/node-red/caption/caption-task';

describe('caption turn', () => {
  function turnOf(deadlineMs: number): { readonly turn: CaptionTask; readonly sent: string[] } {
    const sent: string[] = [];
    const turn = new CaptionTask({ _msgid: '1' } as never, {
      terms: {
        deadlineMs,
        stream: false,
        fallback: { text: () => 'no caption', always: false, late: false },
      },
      deliver: (output) => void sent.push(output),
      copy: (message) => ({ ...message }),
      onFallback: () => undefined,
    });
    return { turn, sent };
  }

  it('waits also when the deadline is further than a timer reaches', async () => {
    const { turn, sent } = turnOf(5e9);
    await delay(50);
    turn.close();
    assert.deepEqual(sent, []);
  });

  it('says nothing in a caption’s place once the node closes', async () => {
    const { turn, sent } = turnOf(20);
    turn.close();
    await delay(80);
    assert.deepEqual(sent, []);
    assert.equal(turn.dropped('cancelled', 'the node closes').kind, 'dropped');
    assert.deepEqual(sent, ['dropped']);
  });
});
