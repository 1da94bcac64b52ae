import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { arithmeticNote } from '../../../src/inference/cpu/arithmetic';
import { examine } from '../../../src/platform/doctor/examine';
import { packageChecks } from '../../../src/platform/doctor/package-checks';
import { optionalPackages } from '../../../src/platform/recording/process-facts';
import { listed, phrase } from '../../../src/protocol/findings/finding-phrase';
import { repositoryRoot } from '../../fixtures';
import { recordedMachine } from '../recorded-machine';
import { judged } from './judged';

describe('the optional packages of a doctor’s report', () => {
  const without = (...names: readonly string[]) => {
    const { process } = recordedMachine('rk3588-vendor');
    const packages = Object.entries(process.packages).filter(([name]) => !names.includes(name));
    return { process: { ...process, packages: Object.fromEntries(packages), missingPackages: names } };
  };

  it('are those of package.json', () => {
    const manifest = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8'));
    assert.deepEqual([...optionalPackages].sort(), Object.keys(manifest.optionalDependencies).sort());
  });

  it('are bad where a caption needs them', () => {
    assert.equal(judged('koffi', 'rk3588-vendor', without('koffi')).state, 'bad');
    assert.equal(judged('koffi', 'rk3588-mainline', without('koffi')).state, 'info');
    for (const [id, name] of [
      ['onnxruntime', 'onnxruntime-node'],
      ['protobufjs', 'protobufjs'],
    ] as const) {
      assert.equal(judged(id, 'x86', without(name)).state, 'bad', name);
      const { can } = examine({ ...recordedMachine('x86'), ...without(name) });
      assert.equal(can.captionOnCpu, false, name);
    }
  });

  it('are not called missing by a recording that did not look for them', () => {
    const machine = recordedMachine('rk3588-vendor');
    const { koffi = '', 'onnxruntime-node': onnxruntime = '' } = machine.process.packages;
    const packages = { koffi, 'onnxruntime-node': onnxruntime };
    const { checks, can } = examine({ ...machine, process: { ...machine.process, packages } });
    assert.deepEqual([can.captionOnCpu, can.captionOnNpu], [true, true]);
    const states = checks.flatMap(({ id, state, value }) =>
      ['protobufjs', 'optional-packages'].includes(id) ? [`${state} ${value}`] : [],
    );
    assert.deepEqual(states, ['info not recorded', 'info not recorded']);
  });

  it('are all named when they are missing', () => {
    const names = optionalPackages;
    const { checks } = examine({ ...recordedMachine('rk3588-vendor'), ...without(...names) });
    const shown = checks.filter(({ id }) => packageChecks.some((check) => check.id === id));
    const text = shown
      .map(({ title, value, state }) => (state === 'ok' ? '' : `${title} ${value}`))
      .join('; ');
    for (const name of names) assert.ok(text.includes(name), `${name}: ${text}`);
  });

  it('that are needed by a feature only are a warning with the feature and the command', () => {
    const { state, value, advice } = judged('optional-packages', 'x86', without('tar', 'yaml'));
    assert.deepEqual([state, value], ['warn', 'not installed: tar (packed bundles), yaml (smolvlm watch)']);
    assert.match(advice ?? '', /npm install tar yaml\.$/);
  });

  it('of which one multiplies wrongly are described by the same phrases as in the engine’s status', () => {
    const fault = { kernels: 'all', product: 'MatMul', error: 0.75 } as const;
    const faults = [fault, { ...fault, product: 'Gather', error: Number.POSITIVE_INFINITY }];
    for (const kernels of ['no-kleidiai', 'unfused', undefined] as const) {
      const check = { float32Kernels: 'all', faults, ...(kernels && { kernels }) } as const;
      const { message: note = '' } = arithmeticNote(check) ?? {};
      const { value, valuePhrase } = judged('cpu-products', 'x86', { cpuProducts: { ...check, note } });
      assert.equal(value, note);
      const products = listed('comma', [
        phrase('productError', { product: 'MatMul', percent: 75 }),
        phrase('productNoResult', { product: 'Gather' }),
      ]);
      const instead = phrase(
        kernels === undefined ? 'inFloat32' : kernels === 'unfused' ? 'withoutFusion' : 'withoutKleidiai',
      );
      assert.deepEqual(valuePhrase, phrase('productsFaulty', { products, instead }));
    }
  });
});
