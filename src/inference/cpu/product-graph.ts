import { type BlockFormat, blockFormats } from '../../onnx/block-weights';
import { cpuInt8Range, stageBlocks } from '../../onnx/cpu-linear';
import { encodeModel } from '../../onnx/encode-model';
import { GraphBuilder } from '../../onnx/graph-builder';

/** Inputs and outputs of each product: a few blocks, and not a multiple of a kernel's tile. */
const [inner, outer] = [256, 72];

/** A product as the bundles' graphs contain it, with constant weights; named after onnxruntime's operator. */
export interface SampleProduct {
  readonly name: string;
  /** The weights as float32 numbers, [outer, inner]. */
  readonly weights: Float32Array;
  readonly bias?: Float32Array;
}

/** A graph that multiplies one activation `x`, float32 [rows, inner], by each product's weights. */
export interface ProductGraph {
  readonly model: Uint8Array;
  readonly inner: number;
  /** Each is an output of the graph, float32 [rows, outer]; the first is not quantised. */
  readonly products: readonly SampleProduct[];
}

/** @param random numbers from 0 to 1 */
export async function productGraph(random: () => number): Promise<ProductGraph> {
  const graph = new GraphBuilder('products', { opsets: { '': 17, 'com.microsoft': 1 } });
  graph.input('x', 'float32', ['rows', inner]);
  const bias = Float32Array.from({ length: outer }, () => 20 * random() - 10);
  graph.constant('bias', 'float32', [outer], bias);
  const products = [
    floatProduct(graph, random),
    tensorProduct(graph, random, bias),
    blockProduct(graph, random, blockFormats.wide),
    blockProduct(graph, random, stageBlocks(inner), bias),
    blockProduct(graph, random, blockFormats.fine),
    blockProduct(graph, random, blockFormats.fine, bias),
    blockProduct(graph, random, blockFormats.small),
  ];
  for (const { name } of products) graph.output(name, 'float32', ['rows', outer]);
  return { model: await encodeModel(graph.build(), '', new Map()), inner, products };
}

function floatProduct(graph: GraphBuilder, random: () => number): SampleProduct {
  const name = 'MatMul';
  const weights = Float32Array.from({ length: outer * inner }, () => 2 * random() - 1);
  graph.constant('weights', 'float32', [inner, outer], transposed(weights));
  graph.op('MatMul', ['x', 'weights'], { outputs: [name] });
  return { name, weights };
}

/** The activation has one scale, the weights one per output: see `linearLayer` in src/onnx/cpu-linear.ts. */
function tensorProduct(graph: GraphBuilder, random: () => number, bias: Float32Array): SampleProduct {
  // onnxruntime fuses the two operators into this one.
  const name = 'DynamicQuantizeMatMul';
  const steps = Int8Array.from({ length: outer * inner }, () =>
    Math.round((2 * random() - 1) * cpuInt8Range),
  );
  const scales = Float32Array.from({ length: outer }, () => (1 + random()) / 64);
  const weights = Float32Array.from(steps, (step, index) => step * at(scales, Math.floor(index / inner)));
  graph.constant('steps', 'int8', [inner, outer], transposed(steps));
  graph.constant('scales', 'float32', [outer], scales);
  const [x = '', scale = '', zero = ''] = graph.node('DynamicQuantizeLinear', ['x'], { outputs: 3 });
  graph.op('MatMulIntegerToFloat', [x, 'steps', scale, 'scales', zero, '', 'bias'], {
    domain: 'com.microsoft',
    outputs: [name],
  });
  return { name, weights, bias };
}

/** Weights in blocks with a scale, and in most formats a zero point each: see `BlockWeight` in src/onnx. */
function blockProduct(
  graph: GraphBuilder,
  random: () => number,
  { bits, size, zeroPoints }: BlockFormat,
  bias?: Float32Array,
): SampleProduct {
  const name = `MatMulNBits ${bits} of ${size}${bias ? ' with bias' : ''}`;
  const most = 2 ** bits - 1;
  const blocks = inner / size;
  const any = (): number => Math.floor(random() * (most + 1));
  const steps = Uint8Array.from({ length: outer * inner }, any);
  const zeros = Uint8Array.from({ length: outer * blocks }, () => (zeroPoints ? any() : 2 ** (bits - 1)));
  const scales = Float32Array.from({ length: outer * blocks }, () => (1 + random()) / most);
  const weights = Float32Array.from(steps, (step, index) => {
    const block = Math.floor(index / size);
    return (step - at(zeros, block)) * at(scales, block);
  });
  const packed = (values: Uint8Array): Uint8Array =>
    bits === 8
      ? values
      : Uint8Array.from(
          { length: values.length / 2 },
          (_, pair) => at(values, 2 * pair) | (at(values, 2 * pair + 1) << 4),
        );
  const constants = [
    graph.constant(`${name} steps`, 'uint8', [outer, blocks, (size * bits) / 8], packed(steps)),
    graph.constant(`${name} scales`, 'float32', [outer, blocks], scales),
    zeroPoints ? graph.constant(`${name} zeros`, 'uint8', [outer, (blocks * bits) / 8], packed(zeros)) : '',
  ];
  const attributes = { K: inner, N: outer, bits, block_size: size, accuracy_level: 4 };
  graph.op('MatMulNBits', ['x', ...constants, ...(bias ? ['', 'bias'] : [])], {
    domain: 'com.microsoft',
    attributes: Object.fromEntries(Object.entries(attributes).map(([key, int]) => [key, { int }])),
    outputs: [name],
  });
  return { name, weights, ...(bias && { bias }) };
}

/** @param matrix [outer, inner] @returns [inner, outer] */
function transposed<T extends Float32Array | Int8Array>(matrix: T): T {
  const turned = matrix.slice() as T;
  for (let out = 0; out < outer; out++) {
    for (let k = 0; k < inner; k++) turned[k * outer + out] = at(matrix, out * inner + k);
  }
  return turned;
}

function at(values: Float32Array | Int8Array | Uint8Array, index: number): number {
  return values[index] as number;
}
