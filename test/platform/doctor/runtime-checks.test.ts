import assert from 'node:assert/strict';
import { examine } from '../../../src/platform/doctor/examine';
import type { Machine } from '../../../src/platform/machine';
import { recordedMachine } from '../recorded-machine';
import { judged } from './judged';

const path = '/usr/lib/librknnrt.so';

describe('doctor: runtimes and bundles', () => {
  it('distinguishes a missing, a broken and a duplicate library, and one without a version', () => {
    const rknn = (...found: { path: string; version?: string; fault?: string }[]) =>
      judged('rknn-runtime', 'rk3588-vendor', { rknn: found });
    assert.match(rknn().advice ?? '', /SMOLVLM_RKNN_LIBRARY/);
    const fault = rknn({ path, fault: 'it is not a library (an incomplete download?)' });
    assert.deepEqual(
      [fault.state, fault.value],
      ['bad', `${path}: it is not a library (an incomplete download?)`],
    );
    assert.equal(
      rknn({ path, version: '2.3.2' }, { path: '/opt/librknnrt.so', version: '1.4.0' }).state,
      'warn',
    );
    assert.equal(rknn({ path }).state, 'warn');
    assert.equal(rknn({ path, version: '2.3.2' }).state, 'ok');
  });

  it('refuses librkllmrt on drivers with which its answers are garbage, and accepts that it is not installed', () => {
    const rkllm = [{ path: '/usr/lib/librkllmrt.so', version: '1.2.3' }];
    const { driver } = recordedMachine('rk3588-docker');
    assert.equal(driver.version, '0.9.6');
    assert.equal(judged('rkllm-runtime', 'rk3588-vendor', { rkllm, driver }).state, 'bad');
    assert.equal(judged('rkllm-runtime', 'rk3588-vendor', { rkllm }).state, 'ok');
    assert.equal(judged('rkllm-runtime', 'rk3588-vendor', { rkllm: [] }).state, 'info');
  });

  it('accepts a runtime of the bundle’s release, warns of a newer one and refuses an older one', () => {
    const bundle = (toolkitVersion: string) =>
      judged('bundle', 'rk3588-vendor', {
        bundles: [{ path: '/b', model: 'm', target: 'rk3588', toolkitVersion, hasCpuStages: false }],
        rknn: [{ path, version: '2.3.2' }],
      });
    assert.equal(bundle('2.3.2').state, 'ok');
    assert.equal(bundle('2.3.2b4').state, 'ok');
    assert.equal(bundle('2.3.0').state, 'warn');
    assert.equal(bundle('2.5.0').state, 'bad');
    assert.match(
      bundle('2.5.0').advice ?? '',
      /librknnrt 2\.5\.0, or convert again\..* smolvlm convert --toolkit 2\.3\.2 --target rk3588 --model m /,
    );
  });

  it('says what the CPU computes wrongly, and what that prevents', () => {
    const note = 'onnxruntime computes DynamicQuantizeMatMul (error 75 %) wrongly on this CPU';
    const products = (cpuProducts: Machine['cpuProducts']) =>
      judged('cpu-products', 'rk3588-vendor', { cpuProducts });
    assert.equal(products({ kernels: 'all', float32Kernels: 'all' }).state, 'ok');
    const others = products({ kernels: 'no-kleidiai', float32Kernels: 'all', note });
    assert.deepEqual([others.state, others.value], ['warn', note]);
    assert.match(
      products({ float32Kernels: 'all', note }).advice ?? '',
      /bundles in int8 or int4 are refused/,
    );
    assert.equal(products({ note }).state, 'bad');
    assert.match(products({ crash: 'SIGILL' }).value, /SIGILL/);
    assert.equal(products({ failure: 'onnxruntime-node could not be loaded' }).state, 'bad');
    const { can } = examine({ ...recordedMachine('rk3588-vendor'), cpuProducts: { crash: 'SIGILL' } });
    assert.deepEqual([can.captionOnCpu, can.captionOnNpu], [false, false]);
  });

  it('advises how to make a bundle for the runtime when none is given', () => {
    const advice = (version: string) =>
      judged('bundle', 'rk3588-vendor', { bundles: [], rknn: [{ path, version }] }).advice ?? '';
    assert.match(advice('2.5.0'), /smolvlm convert --toolkit 2\.5\.0 --target rk3588/);
    assert.match(advice('1.6.0'), /install librknnrt 2\.3\.2 or 2\.5\.0 here/);
  });

  it('calls a checkpoint one, not a bundle that is missing, and converts it where the NPU could run it', () => {
    const checkpoint = (name: 'rk3588-vendor' | 'x86') => {
      const { state, value, advice } = judged('bundle', name, { bundles: [{ checkpoint: 'org/m' }] });
      return { state, value, advice };
    };
    const value = 'org/m is a checkpoint, which runs on the CPU';
    assert.deepEqual(checkpoint('x86'), { state: 'info', value, advice: undefined });
    const onBoard = checkpoint('rk3588-vendor');
    assert.deepEqual([onBoard.state, onBoard.value], ['info', value]);
    assert.match(onBoard.advice ?? '', /--target rk3588 --model org\/m --out BUNDLE/);
  });

  it('accepts a bundle for another chip if it has CPU stages', () => {
    const bundle = (name: 'rk3576' | 'x86', hasCpuStages: boolean) =>
      judged('bundle', name, { bundles: [{ path: '/b', model: 'm', target: 'rk3588', hasCpuStages }] }).state;
    assert.deepEqual([bundle('rk3576', false), bundle('rk3576', true)], ['bad', 'warn']);
    assert.deepEqual([bundle('x86', false), bundle('x86', true)], ['bad', 'ok']);
  });

  it('reports the worst state of several bundles', () => {
    const fault = { code: 'bundle-manifest-invalid', message: '/c is broken', hint: 'Copy it again.' };
    const { state, value, advice } = judged('bundle', 'x86', {
      bundles: [
        { path: '/a', model: 'm', target: 'cpu', hasCpuStages: false },
        { model: '/c', fault },
      ],
    });
    assert.deepEqual([state, value, advice], ['bad', '/a: for any CPU; /c is broken', 'Copy it again.']);
  });
});
