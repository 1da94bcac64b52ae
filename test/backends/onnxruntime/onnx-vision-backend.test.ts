import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OnnxVisionBackend } from '../../../src/backends/onnxruntime/onnx-vision-backend';
import { writeCpuVisionStage } from '../../../src/convert/bundle/cpu-vision-files';
import type { VisionGraphShape } from '../../../src/onnx/vision/cpu-vision-stage';
import { describeVisionBackend } from '../../contract/vision-backend-contract';
import { mlpTensors, referenceMlp } from '../../onnx/vision/reference-stage';

const shape: VisionGraphShape = {
  tokens: 16,
  hidden: 32,
  heads: 2,
  layers: 1,
  layerNormEps: 1e-6,
  hiddenAct: 'gelu_pytorch_tanh',
};

const tensors = mlpTensors(shape.hidden, 64);
const plan = { name: 'l0_mlp', halves: [{ layer: 0, half: 'mlp' as const }] };

for (const door of ['native', 'script'] as const) {
  describeVisionBackend(`onnxruntime (${door})`, {
    open: () => OnnxVisionBackend.load({ threads: 1, door }),
    stage: async (bundleDir) => {
      const { entry } = await writeCpuVisionStage(bundleDir, plan, shape, tensors, 'float32');
      return { bundleDir, stage: entry, reference: (input) => referenceMlp(input, tensors, shape) };
    },
    cosine: 0.99999,
  });

  describe(`OnnxVisionBackend.link (${door})`, () => {
    let dir: string;
    let backend: OnnxVisionBackend;

    beforeEach(async () => {
      dir = await mkdtemp(join(tmpdir(), 'smolvlm-link-'));
      backend = await OnnxVisionBackend.load({ threads: 1, door });
    });
    afterEach(async () => {
      await backend.close();
      await rm(dir, { recursive: true, force: true });
    });

    const tile = (seed: number) =>
      Float32Array.from({ length: shape.tokens * shape.hidden }, (_, index) => Math.sin(index * seed));

    async function openThree() {
      const { entry } = await writeCpuVisionStage(dir, plan, shape, tensors, 'float32');
      return Promise.all([1, 2, 3].map(() => backend.openStage(dir, entry)));
    }

    it('computes what the stages compute one by one, and leaves earlier results and the input alone', async () => {
      const stages = await openThree();
      const linked = await backend.link(stages);
      const results: Float32Array[] = [];
      for (const seed of [1, 2]) {
        const input = tile(seed);
        let value: Float32Array | undefined = input;
        for (const stage of linked) value = await stage.run(value);
        results.push(value as Float32Array);
        assert.deepEqual(input, tile(seed));
      }
      for (const [index, seed] of [1, 2].entries()) {
        let expected: Float32Array = tile(seed);
        for (const stage of stages) expected = await stage.run(expected);
        assert.deepEqual(results[index], expected);
      }
    });

    it('refuses a tile of another size, and to run after a stage was closed', async () => {
      const stages = await openThree();
      const [first] = await backend.link(stages);
      await assert.rejects(async () => first?.run(new Float32Array(3)), { code: 'stage-input' });
      await stages[0]?.close();
      await assert.rejects(async () => first?.run(tile(1)), { code: 'stage-closed' });
    });
  });
}
