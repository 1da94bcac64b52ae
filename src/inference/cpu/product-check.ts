import { loadOnnxRuntime } from '../../backends/onnxruntime/onnxruntime-loader';
import { type CpuKernels, sessionOptions } from '../../backends/onnxruntime/session-options';
import { matrixProduct } from '../../vision/matrix-product';
import { type ProductGraph, productGraph, type SampleProduct } from './product-graph';

/** Kernels in the order in which they are tried: the fastest first. */
const choices: readonly CpuKernels[] = ['all', 'no-kleidiai', 'unfused'];

/** Numbers of rows: a decode step, a short prompt, and tiles' worth; kernels differ by it. */
const rowCounts = [1, 3, 40];

/** Rounding the activations to int8 costs less than 0.01; a wrong kernel costs more than this. */
const largestError = 0.03;

/** A product that was computed wrongly. */
export interface ProductFault {
  readonly kernels: CpuKernels;
  /** e.g. `DynamicQuantizeMatMul`. */
  readonly product: string;
  /** Root mean square error relative to the right result; Infinity if it could not be computed. */
  readonly error: number;
}

/** What onnxruntime's products are worth on this CPU. */
export interface ProductCheck {
  /** The fastest kernels with which every product is right; absent: with none. */
  readonly kernels?: CpuKernels;
  /** The fastest kernels with which float32 products are right; absent: with none. */
  readonly float32Kernels?: CpuKernels;
  /** Of the kernels that were tried and not chosen. */
  readonly faults: readonly ProductFault[];
}

/** Computes a product graph. @returns its outputs by name */
export type ComputeProducts = (
  model: Uint8Array,
  kernels: CpuKernels,
  rows: number,
  x: Float32Array,
) => Promise<Readonly<Record<string, Float32Array>>>;

let checked: Promise<ProductCheck> | undefined;

/** The check of this CPU, made once per thread. @throws OnnxRuntimeLoadError */
export function thisCpusProducts(): Promise<ProductCheck> {
  checked ??= loadOnnxRuntime()
    .then(() => checkProducts())
    .catch((error: unknown) => {
      checked = undefined;
      throw error;
    });
  return checked;
}

/**
 * Compares small products, float32 and quantised, with the same products in JavaScript. A runtime may choose a kernel that this
 * CPU computes wrongly: with SME, int8 products of onnxruntime 1.30 are off by 100 %.
 */
export async function checkProducts(compute: ComputeProducts = onOnnxRuntime): Promise<ProductCheck> {
  const random = pseudoRandom();
  const graph = await productGraph(random);
  const samples = rowCounts.map((rows) => ({
    rows,
    // Not centred: a zero point that is lost shows.
    x: Float32Array.from({ length: rows * graph.inner }, () => 4 * random() - 1),
  }));
  const faults: ProductFault[] = [];
  let float32Kernels: CpuKernels | undefined;
  for (const kernels of choices) {
    const found = await faultsOf(graph, samples, kernels, compute);
    if (found.length === 0) return { kernels, float32Kernels: float32Kernels ?? kernels, faults };
    const isFloat32Right = found.every(({ product }) => product !== graph.products[0]?.name);
    if (isFloat32Right) float32Kernels ??= kernels;
    faults.push(...found);
  }
  return { ...(float32Kernels && { float32Kernels }), faults };
}

interface Sample {
  readonly rows: number;
  readonly x: Float32Array;
}

async function faultsOf(
  { model, inner, products }: ProductGraph,
  samples: readonly Sample[],
  kernels: CpuKernels,
  compute: ComputeProducts,
): Promise<ProductFault[]> {
  const worst = new Map<string, number>();
  for (const { rows, x } of samples) {
    const results = await compute(model, kernels, rows, x).catch(() => undefined);
    for (const product of products) {
      const error = results ? relativeError(results[product.name], expected(product, x, inner)) : Infinity;
      worst.set(product.name, Math.max(worst.get(product.name) ?? 0, error));
    }
  }
  return [...worst]
    .filter(([, error]) => error > largestError)
    .map(([product, error]) => ({ kernels, product, error }));
}

function expected({ weights, bias }: SampleProduct, x: Float32Array, inner: number): Float32Array {
  return matrixProduct(x, weights, inner, bias);
}

/** @returns Infinity for a result of another length or that is not a number */
function relativeError(result: Float32Array | undefined, right: Float32Array): number {
  if (result?.length !== right.length) return Infinity;
  let [difference, size] = [0, 0];
  for (const [index, value] of right.entries()) {
    difference += (value - (result[index] as number)) ** 2;
    size += value ** 2;
  }
  const error = Math.sqrt(difference / size);
  return Number.isNaN(error) ? Infinity : error;
}

export const onOnnxRuntime: ComputeProducts = async (model, kernels, rows, x) => {
  const { InferenceSession, Tensor } = await loadOnnxRuntime();
  const session = await InferenceSession.create(model, sessionOptions({ threads: 1, kernels }));
  try {
    const results = await session.run({ x: new Tensor('float32', x, [rows, x.length / rows]) });
    return Object.fromEntries(
      Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]),
    );
  } finally {
    await session.release();
  }
};

/** The same numbers every time, so that a check can be repeated. */
function pseudoRandom(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
