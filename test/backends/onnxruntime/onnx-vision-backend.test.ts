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

describeVisionBackend('onnxruntime', {
  open: () => OnnxVisionBackend.load({ threads: 1 }),
  stage: async (bundleDir) => {
    const tensors = mlpTensors(shape.hidden, 64);
    const plan = { name: 'l0_mlp', halves: [{ layer: 0, half: 'mlp' as const }] };
    const { entry } = await writeCpuVisionStage(bundleDir, plan, shape, tensors, 'float32');
    return { bundleDir, stage: entry, reference: (input) => referenceMlp(input, tensors, shape) };
  },
  cosine: 0.99999,
});
