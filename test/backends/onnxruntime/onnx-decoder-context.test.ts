import assert from 'node:assert/strict';
import type { BoundSession, BoundTensor } from '../../../src/backends/onnxruntime/bound-session';
import { OnnxDecoderContext } from '../../../src/backends/onnxruntime/onnx-decoder-context';
import type { TextConfig } from '../../../src/model/checkpoint/model-config';

const text: TextConfig = {
  hiddenSize: 2,
  layers: 1,
  heads: 1,
  kvHeads: 1,
  headDim: 2,
  intermediateSize: 2,
  vocabularySize: 3,
  rmsNormEps: 1e-5,
  ropeTheta: 10000,
  maxPositionEmbeddings: 2048,
  hiddenAct: 'silu',
};

describe('OnnxDecoderContext', () => {
  it('enlarges the cache once for a prompt of several pieces', async () => {
    const caches = new Set<BoundTensor | undefined>();
    let runs = 0;
    const session: BoundSession = {
      signature: { inputs: [], outputs: [] },
      bind: (inputs) => {
        caches.add(inputs.past_key_0);
        return { run: async () => void runs++, close: () => undefined };
      },
      close: async () => undefined,
    };
    const context = new OnnxDecoderContext(session, text, () => undefined);
    await context.append(new Float32Array(875 * text.hiddenSize));
    assert.deepEqual([runs, caches.size, context.length], [4, 1, 875]);
  });
});
