import assert from 'node:assert/strict';
import { RememberedAnswers } from '../../../src/nats/client/remembered-answers';
import type { FinalEvent } from '../../../src/protocol/events';

const final = { type: 'result', id: 'x', result: {} } as FinalEvent;

describe('RememberedAnswers', () => {
  it('keeps a result for ten minutes, as the server does', () => {
    let now = 0;
    const answered = new RememberedAnswers(() => now);
    answered.add('mine', final);
    now = 599_999;
    assert.equal(answered.get('mine'), final);
    now = 600_000;
    assert.equal(answered.get('mine'), undefined);
  });

  it('keeps no drops and errors: the request may be sent again', () => {
    const answered = new RememberedAnswers();
    answered.add('mine', { type: 'dropped', id: 'mine', reason: 'deadline', message: '' });
    assert.equal(answered.get('mine'), undefined);
  });

  it('keeps the latest hundred', () => {
    const answered = new RememberedAnswers();
    for (let index = 0; index <= 100; index++) answered.add(String(index), final);
    assert.deepEqual([answered.get('0'), answered.get('1')], [undefined, final]);
  });
});
