import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { matrixProduct } from '../../vision/matrix-product';
import { productGraph } from './product-graph';

/** Numbers of rows: a decode step, a short prompt, and tiles' worth; kernels differ by it. */
const rowCounts = [1, 3, 40];

/** One activation, and what each product makes of it. */
export interface SampleActivation {
  readonly rows: number;
  /** Float32 [rows, inner]. */
  readonly x: Float32Array;
  /** By the product's name, float32 [rows, outer]. */
  readonly expected: ReadonlyMap<string, Float32Array>;
}

/** Small products, float32 and quantised, with their right results. */
export interface ProductSample {
  /** An ONNX graph with the input `x`, and an output for each product. */
  readonly model: Uint8Array;
  /** The product that is not quantised. */
  readonly float32Product: string;
  readonly activations: readonly SampleActivation[];
}

/** The numbers are the same every time. */
export async function makeProductSample(): Promise<ProductSample> {
  const random = pseudoRandom();
  const { model, inner, products } = await productGraph(random);
  const activations = rowCounts.map((rows) => {
    // Not centred: a zero point that is lost shows.
    const x = Float32Array.from({ length: rows * inner }, () => 4 * random() - 1);
    const results = products.map(
      ({ name, weights, bias }) => [name, matrixProduct(x, weights, inner, bias)] as const,
    );
    return { rows, x, expected: new Map(results) };
  });
  return { model, float32Product: products[0]?.name ?? '', activations };
}

/** Written by the build: to compute the sample takes longer than to check with it. */
const sampleFile = join(__dirname, 'product-sample.json');

interface StoredSample {
  readonly model: string;
  readonly float32Product: string;
  readonly activations: readonly {
    readonly rows: number;
    readonly x: string;
    readonly expected: Readonly<Record<string, string>>;
  }[];
}

export async function writeProductSample(path = sampleFile): Promise<void> {
  const { model, float32Product, activations } = await makeProductSample();
  const stored: StoredSample = {
    model: base64(model),
    float32Product,
    activations: activations.map(({ rows, x, expected }) => ({
      rows,
      x: base64(x),
      expected: Object.fromEntries([...expected].map(([name, result]) => [name, base64(result)])),
    })),
  };
  await writeFile(path, JSON.stringify(stored));
}

export async function readProductSample(path = sampleFile): Promise<ProductSample> {
  const { model, float32Product, activations }: StoredSample = JSON.parse(await readFile(path, 'utf8'));
  return {
    model: Buffer.from(model, 'base64'),
    float32Product,
    activations: activations.map(({ rows, x, expected }) => ({
      rows,
      x: floats(x),
      expected: new Map(Object.entries(expected).map(([name, result]) => [name, floats(result)])),
    })),
  };
}

function base64({ buffer, byteOffset, byteLength }: Uint8Array | Float32Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}

/** All machines that onnxruntime-node supports store the lowest byte first. */
function floats(text: string): Float32Array {
  return new Float32Array(new Uint8Array(Buffer.from(text, 'base64')).buffer);
}

function pseudoRandom(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
