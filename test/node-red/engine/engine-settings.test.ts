import assert from 'node:assert/strict';
import { engineSettings } from '../../../src/node-red/engine/engine-settings';

describe('engineSettings', () => {
  const runtime = (dialog: Parameters<typeof engineSettings>[0]) =>
    engineSettings({ model: 'demo', ...dialog }, undefined, '/data').defaults.runtime;

  it('gives requests the checkpoint of a folder of shards, a relative path from the user’s folder', () => {
    assert.deepEqual(runtime({ checkpoint: ' HuggingFaceTB/SmolVLM-256M-Instruct ' }), {
      checkpoint: 'HuggingFaceTB/SmolVLM-256M-Instruct',
    });
    assert.deepEqual(runtime({ checkpoint: './checkpoint' }), { checkpoint: '/data/checkpoint' });
  });

  it('leaves the sharing of the NPU to the engine’s environment unless another choice is made', () => {
    assert.equal(runtime({ npuSharing: 'share' }), undefined);
    assert.deepEqual(runtime({ npuSharing: 'cpu' }), { npuSharing: 'cpu' });
    assert.throws(() => runtime({ npuSharing: 'no' }), { code: 'node-property' });
  });
});
