import assert from 'node:assert/strict';
import { requestOptions, requestSettings } from '../../src/node-red/request-settings';

describe('request options of a message', () => {
  const priorityOf = (priority: unknown): unknown =>
    requestOptions(requestSettings({}), { priority }).priority;

  it('take msg.priority as a number, or as one in a text', () => {
    assert.equal(priorityOf(5), 5);
    assert.equal(priorityOf('-1000'), -1000);
    for (const none of [undefined, null, '']) assert.equal(priorityOf(none), undefined);
  });

  for (const wrong of ['high', 1.5, 1001, true, [3]]) {
    it(`refuse msg.priority ${JSON.stringify(wrong)}, naming the property`, () => {
      assert.throws(() => priorityOf(wrong), {
        code: 'node-property',
        message: `msg.priority: expected a whole number from -1000 to 1000, received ${String(wrong)}`,
        hint: 'Correct msg.priority.',
      });
    });
  }
});
