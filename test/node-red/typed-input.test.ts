import assert from 'node:assert/strict';
import type { Node, NodeAPI } from 'node-red';
import { evaluate } from '../../src/node-red/typed-input';

const RED = { util: require('@node-red/util').util } as NodeAPI;
const node = { id: 'node' } as unknown as Node;
const message = { _msgid: 'a', payload: { picture: 'a.jpg' } };

describe('evaluate', () => {
  it('gives the property of the message, or nothing', async () => {
    const read = (value: string): Promise<unknown> =>
      evaluate(RED, node, { value, type: 'msg' }, message, 'image');
    assert.equal(await read('payload.picture'), 'a.jpg');
    assert.equal(await read('payload.other'), undefined);
  });

  it('says which property the message lacks', async () => {
    const value = 'payload.camera.picture';
    await assert.rejects(evaluate(RED, node, { value, type: 'msg' }, message, 'image'), {
      code: 'node-property',
      message: 'image: the message has no msg.payload.camera.picture',
      hint: /^Choose a property that it has/,
    });
  });

  it('names an expression that cannot be evaluated', async () => {
    await assert.rejects(evaluate(RED, node, { value: '$sum(', type: 'jsonata' }, message, 'prompt'), {
      code: 'node-property',
      message: /^prompt: jsonata "\$sum\(" cannot be evaluated: /,
    });
  });
});
