import { loadOnnxRuntime } from '../../backends/onnxruntime/onnxruntime-loader';
import { type CpuKernels, sessionOptions } from '../../backends/onnxruntime/session-options';
import { type ProductSample, readProductSample } from './product-sample';

/** Kernels in the order in which they are tried: the fastest first. */
const choices: readonly CpuKernels[] = ['all', 'no-kleidiai', 'unfused'];

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

/** A graph of products, open on this CPU. */
export interface OpenProducts {
  /** @param x float32 [rows, inner] @returns the graph's outputs by name */
  run(rows: number, x: Float32Array): Promise<Readonly<Record<string, Float32Array>>>;
  close(): Promise<void>;
}

export type OpenProductGraph = (model: Uint8Array, kernels: CpuKernels) => Promise<OpenProducts>;

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
export async function checkProducts(open: OpenProductGraph = onOnnxRuntime): Promise<ProductCheck> {
  const sample = await readProductSample();
  const faults: ProductFault[] = [];
  let float32Kernels: CpuKernels | undefined;
  for (const kernels of choices) {
    const found = await faultsOf(sample, kernels, open);
    if (found.length === 0) return { kernels, float32Kernels: float32Kernels ?? kernels, faults };
    const isFloat32Right = found.every(({ product }) => product !== sample.float32Product);
    if (isFloat32Right) float32Kernels ??= kernels;
    faults.push(...found);
  }
  return { ...(float32Kernels && { float32Kernels }), faults };
}

async function faultsOf(
  { model, activations }: ProductSample,
  kernels: CpuKernels,
  open: OpenProductGraph,
): Promise<ProductFault[]> {
  const worst = new Map<string, number>();
  const products = await open(model, kernels).catch(() => undefined);
  try {
    for (const { rows, x, expected } of activations) {
      const results = await products?.run(rows, x).catch(() => undefined);
      for (const [product, right] of expected) {
        const error = results ? relativeError(results[product], right) : Infinity;
        worst.set(product, Math.max(worst.get(product) ?? 0, error));
      }
    }
  } finally {
    await products?.close();
  }
  return [...worst]
    .filter(([, error]) => error > largestError)
    .map(([product, error]) => ({ kernels, product, error }));
}

/** @returns Infinity for a result of another length or that is not a number */
function relativeError(result: Float32Array | undefined, right: Float32Array): number {
  if (result?.length !== right.length) return Infinity;
  let [difference, size] = [0, 0];
  for (let index = 0; index < right.length; index++) {
    const value = right[index] as number;
    difference += (value - (result[index] as number)) ** 2;
    size += value ** 2;
  }
  const error = Math.sqrt(difference / size);
  return Number.isNaN(error) ? Infinity : error;
}

export const onOnnxRuntime: OpenProductGraph = async (model, kernels) => {
  const { InferenceSession, Tensor } = await loadOnnxRuntime();
  const session = await InferenceSession.create(model, sessionOptions({ threads: 1, kernels }));
  return {
    async run(rows, x) {
      const results = await session.run({ x: new Tensor('float32', x, [rows, x.length / rows]) });
      return Object.fromEntries(
        Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]),
      );
    },
    close: () => session.release(),
  };
};
