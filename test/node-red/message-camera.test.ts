import assert from 'node:assert/strict';
import { messageCamera } from '../../src/node-red/message-camera';
import { requestOptions, requestSettings } from '../../src/node-red/request-settings';

describe('messageCamera', () => {
  const RED = {
    util: {
      evaluateNodeProperty: (value: string, type: string, _node: unknown, message: object, done: unknown) =>
        (done as (error: null, found: unknown) => void)(
          null,
          type === 'msg' ? (message as Record<string, unknown>)[value] : value,
        ),
    },
  };
  const ask = (dialog: object, message: object): Promise<string> =>
    messageCamera(RED as never, {} as never, dialog, message as never);

  it('is the dialog’s, or msg.camera, or msg.topic', async () => {
    assert.equal(await ask({ camera: 'porch' }, { camera: 'yard' }), 'porch');
    assert.equal(await ask({ camera: 'place', cameraType: 'msg' }, { place: 7 }), '7');
    assert.equal(await ask({ camera: 'place', cameraType: 'msg' }, { camera: 'yard', topic: 't' }), 'yard');
    assert.equal(await ask({}, { topic: 'street' }), 'street');
  });

  it('is blank if the message has none, or null', async () => {
    assert.equal(await ask({}, {}), '');
    assert.equal(await ask({}, { camera: null, topic: null }), '');
  });
});

describe('requestOptions', () => {
  it('accepts the time of a picture in seconds too, and as digits', () => {
    const expected = new Date(1_795_000_000_000).toISOString();
    for (const capturedAt of [1_795_000_000, '1795000000', '1795000000000', expected]) {
      assert.equal(requestOptions(requestSettings({}), { capturedAt }).capturedAt, expected);
    }
  });
});
