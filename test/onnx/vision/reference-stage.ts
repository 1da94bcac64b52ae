import type { VisionGraphShape } from '../../../src/onnx/vision/cpu-vision-stage';
import { MemoryTensors, seededValues } from '../../model/safetensors/memory-tensors';

const prefix = 'vision_model.encoder.layers.0';

/** Seeded weights of one MLP half. */
export function mlpTensors(hidden: number, intermediate: number): MemoryTensors {
  return new MemoryTensors()
    .add(`${prefix}.layer_norm2.weight`, [hidden], seededValues(hidden, 1))
    .add(`${prefix}.layer_norm2.bias`, [hidden], seededValues(hidden, 2))
    .add(`${prefix}.mlp.fc1.weight`, [intermediate, hidden], seededValues(intermediate * hidden, 3))
    .add(`${prefix}.mlp.fc1.bias`, [intermediate], seededValues(intermediate, 4))
    .add(`${prefix}.mlp.fc2.weight`, [hidden, intermediate], seededValues(intermediate * hidden, 5))
    .add(`${prefix}.mlp.fc2.bias`, [hidden], seededValues(hidden, 6));
}

/** The activations by the checkpoint's names, from their definitions. */
export const activations: Readonly<Record<string, (x: number) => number>> = {
  gelu_pytorch_tanh: geluTanh,
  gelu_new: geluTanh,
  gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  quick_gelu: (x) => x / (1 + Math.exp(-1.702 * x)),
  silu: (x) => x / (1 + Math.exp(-x)),
  relu: (x) => Math.max(0, x),
};

function geluTanh(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

/** Abramowitz and Stegun 7.1.26: off by at most 1.5e-7. */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const series = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429];
  const sum = series.reduceRight((rest, factor) => (rest + factor) * t, 0);
  return Math.sign(x) * (1 - sum * Math.exp(-x * x));
}

/** in + fc2(activation(fc1(layerNorm(in)))) in double precision. */
export function referenceMlp(
  input: Float32Array,
  tensors: MemoryTensors,
  { hidden, layerNormEps, hiddenAct }: Pick<VisionGraphShape, 'hidden' | 'layerNormEps' | 'hiddenAct'>,
): Float32Array {
  const tensor = (name: string): Float32Array => tensors.values(`${prefix}.${name}`);
  const linear = (x: readonly number[], name: string): number[] => {
    const [weight, bias] = [tensor(`${name}.weight`), tensor(`${name}.bias`)];
    return [...bias].map((b, out) =>
      x.reduce((sum, value, k) => sum + value * weight[out * x.length + k]!, b),
    );
  };
  const activation = activations[hiddenAct]!;
  const output = new Float32Array(input.length);
  for (let begin = 0; begin < input.length; begin += hidden) {
    const row = [...input.subarray(begin, begin + hidden)];
    const mean = row.reduce((sum, x) => sum + x, 0) / hidden;
    const variance = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / hidden;
    const normal = row.map((x, k) => {
      const [weight, bias] = [tensor('layer_norm2.weight')[k]!, tensor('layer_norm2.bias')[k]!];
      return ((x - mean) / Math.sqrt(variance + layerNormEps)) * weight + bias;
    });
    const branch = linear(linear(normal, 'mlp.fc1').map(activation), 'mlp.fc2');
    for (const [k, x] of row.entries()) output[begin + k] = x + branch[k]!;
  }
  return output;
}
