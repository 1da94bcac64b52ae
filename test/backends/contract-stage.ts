import type { BundleStage } from '../../src/model/bundle/bundle-manifest';
import type { ModelConfig } from '../../src/model/checkpoint/model-config';
import type { TensorSource } from '../../src/model/safetensors/tensor-source';
import type { ContractStage } from '../contract/vision-backend-contract';
import { mlpTensors, referenceMlp } from '../onnx/vision/reference-stage';

export interface SmallShape {
  /** A square number. */
  readonly tokens: number;
  readonly hidden: number;
  readonly heads: number;
  readonly inner: number;
}

/** One small MLP half with seeded weights, written by a backend's own writer. */
export async function contractStage(
  bundleDir: string,
  { tokens, hidden, heads, inner }: SmallShape,
  write: (config: ModelConfig, weights: TensorSource) => Promise<BundleStage>,
): Promise<ContractStage> {
  const weights = mlpTensors(hidden, inner);
  const vision = {
    ...{ hiddenSize: hidden, heads, intermediateSize: inner, layers: 1, layerNormEps: 1e-6, channels: 3 },
    ...{ hiddenAct: 'gelu_pytorch_tanh', patchSize: 16, imageSize: 16 * Math.sqrt(tokens) },
  };
  const config = { vision, text: { hiddenSize: hidden }, scaleFactor: 1 } as unknown as ModelConfig;
  const stage = await write(config, weights);
  return { bundleDir, stage, reference: (input) => referenceMlp(input, weights, { hidden, ...vision }) };
}
