import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { CpuKernels } from '../../../src/backends/onnxruntime/session-options';
import { openCaptioner } from '../../../src/inference/captioner';
import { arithmeticNote, bundleArithmetic } from '../../../src/inference/cpu/arithmetic';
import {
  checkProducts,
  type OpenProductGraph,
  onOnnxRuntime,
} from '../../../src/inference/cpu/product-check';
import { demoFrame } from '../../fixtures';
import { manifest } from '../../model/bundle/manifest-fixture';
import { sharedPictures } from '../shared-pictures';

/** onnxruntime, with kernels that change a product's result. */
function withWrongKernel(
  wrong: readonly CpuKernels[],
  product: string,
  change: (result: Float32Array) => Float32Array,
): OpenProductGraph {
  return async (model, kernels) => {
    const { run, close } = await onOnnxRuntime(model, kernels);
    return {
      close,
      async run(rows, x) {
        const results = await run(rows, x);
        const result = results[product];
        assert.ok(result);
        return wrong.includes(kernels) ? { ...results, [product]: change(result) } : results;
      },
    };
  };
}

const half = (result: Float32Array): Float32Array => result.map((value) => value / 2);
const every: readonly CpuKernels[] = ['all', 'no-kleidiai', 'unfused'];
const int4Bundle = { manifest };

describe('the check of quantised products', function () {
  this.timeout(20_000);

  it('finds every product right on this machine', async () => {
    assert.deepEqual(await checkProducts(), { kernels: 'all', float32Kernels: 'all', faults: [] });
  });

  for (const product of [
    'DynamicQuantizeMatMul',
    'MatMulNBits 8 of 128',
    'MatMulNBits 8 of 256 with bias',
    'MatMulNBits 8 of 32',
    'MatMulNBits 8 of 32 with bias',
    'MatMulNBits 4 of 32',
  ]) {
    it(`leaves KleidiAI out when its kernel for ${product} is wrong`, async () => {
      const { kernels, float32Kernels, faults } = await checkProducts(
        withWrongKernel(['all'], product, half),
      );
      assert.equal(kernels, 'no-kleidiai');
      assert.equal(float32Kernels, 'all');
      assert.deepEqual(
        faults.map((fault) => [fault.kernels, fault.product, fault.error.toFixed(1)]),
        [['all', product, '0.5']],
      );
    });
  }

  it('computes each operator by itself when only the fused product is wrong', async () => {
    const compute = withWrongKernel(['all', 'no-kleidiai'], 'DynamicQuantizeMatMul', half);
    assert.equal((await checkProducts(compute)).kernels, 'unfused');
  });

  it('detects a zero point that is ignored, a row that is wrong, and results that are not numbers', async () => {
    const faults: readonly ((result: Float32Array) => Float32Array)[] = [
      (result) => result.map((value) => value + 4),
      (result) => result.with(0, 1e6),
      (result) => result.with(0, Number.NaN),
      (result) => result.subarray(1),
    ];
    for (const change of faults) {
      const checked = await checkProducts(withWrongKernel(every, 'MatMulNBits 4 of 32', change));
      assert.equal(checked.kernels, undefined, String(change));
      assert.equal(checked.float32Kernels, 'all');
    }
  });

  it('takes a product that cannot be computed for wrong', async () => {
    const { faults } = await checkProducts(async (model, kernels) => {
      if (kernels === 'all') throw new Error('no kernel');
      return onOnnxRuntime(model, kernels);
    });
    const note = arithmeticNote({ kernels: 'no-kleidiai', faults });
    assert.match(note?.message ?? '', /MatMul \(no result\), .*the kernels of KleidiAI are not used/);
  });
});

describe('a model on a CPU that computes quantised products wrongly', function () {
  this.timeout(60_000);
  const products = () => checkProducts(withWrongKernel(every, 'DynamicQuantizeMatMul', half));

  it('is computed in float32, which the backend and the status say', async () => {
    const captioner = await openCaptioner({ model: 'demo', pictures: sharedPictures, products });
    try {
      assert.equal(captioner.backend, 'onnxruntime float32');
      assert.equal(captioner.arithmetic?.code, 'cpu-products');
      assert.match(
        captioner.arithmetic?.message ?? '',
        /DynamicQuantizeMatMul \(error 50 %\) wrongly on this CPU; the model is computed in float32/,
      );
      const frame = 'frame_01_driveway_day.jpg';
      const { text } = await captioner.describe(
        [readFileSync(demoFrame(frame))],
        { id: 'test', prompt: 'Describe this image.' },
        { signal: new AbortController().signal, onProgress: () => undefined, onToken: () => undefined },
      );
      assert.match(text, /^A black cat sits on the left/);
    } finally {
      await captioner.close();
    }
  });

  it('is refused when it is a quantised bundle', async () => {
    const checked = await products();
    assert.throws(() => bundleArithmetic(checked, int4Bundle), {
      code: 'cpu-products',
      message: /DynamicQuantizeMatMul \(error 50 %\)/,
      hint: /give the checkpoint instead of the bundle/,
    });
  });

  it('is computed without KleidiAI when that is enough', async () => {
    const checked = await checkProducts(withWrongKernel(['all'], 'DynamicQuantizeMatMul', half));
    assert.deepEqual(bundleArithmetic(checked, int4Bundle), { kernels: 'no-kleidiai' });
    const captioner = await openCaptioner({
      model: 'demo',
      pictures: sharedPictures,
      products: async () => checked,
    });
    try {
      assert.equal(captioner.backend, 'onnxruntime int8');
      assert.match(captioner.arithmetic?.message ?? '', /KleidiAI/);
    } finally {
      await captioner.close();
    }
  });
});
