import assert from 'node:assert/strict';
import type { NodeFailure } from '../../src/node-red/node-failure';
import { OpenMessages } from '../../src/node-red/open-messages';

describe('OpenMessages', () => {
  function begun(messages: OpenMessages) {
    const seen: string[] = [];
    const open = messages.begin(
      () => void seen.push('sent'),
      (error) => void seen.push((error as NodeFailure | undefined)?.code ?? 'done'),
    );
    return { seen, ...open };
  }

  it('sends and ends a message once', () => {
    const { seen, send, done } = begun(new OpenMessages());
    send([]);
    done();
    send([]);
    done(new Error('late'));
    assert.deepEqual(seen, ['sent', 'done']);
  });

  it('ends the messages that have no answer with an error when the node closes', () => {
    const messages = new OpenMessages();
    const all = [begun(messages), begun(messages)];
    all[0]?.done();
    messages.close();
    for (const { send, done } of all) {
      send([]);
      done();
    }
    assert.deepEqual(
      all.map(({ seen }) => seen),
      [['done'], ['node-closed']],
    );
  });

  it('ends an answered message without an error when the node closes', () => {
    const messages = new OpenMessages();
    const { seen, answered } = begun(messages);
    answered();
    messages.close();
    assert.deepEqual(seen, ['done']);
  });

  it('refuses a message that arrives after the node has closed', () => {
    const messages = new OpenMessages();
    messages.close();
    assert.deepEqual(begun(messages).seen, ['node-closed']);
  });
});
