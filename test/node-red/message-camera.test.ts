import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageCamera } from '../../src/node-red/message-camera';
import { requestOptions, requestSettings } from '../../src/node-red/request-settings';
import { repositoryRoot } from '../fixtures';
import { editorDefinitions } from '../package/editor-definitions';

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

  for (const type of ['smolvlm-caption', 'smolvlm-vision', 'smolvlm-timeline']) {
    it(`is that of a frame node, with its zone, for a ${type} node from the palette`, async () => {
      const html = readFileSync(join(repositoryRoot, 'dist', 'nodes', type, `${type}.html`), 'utf8');
      const { camera, cameraType } = editorDefinitions(html)[0]?.values ?? {};
      const requested = { topic: 'zigbee2mqtt/motion', camera: 'porch/door' };
      assert.equal(await ask({ camera, cameraType }, requested), 'porch/door');
      assert.equal(await ask({ camera, cameraType }, { topic: 'street' }), 'street');
    });
  }

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
