import assert from 'node:assert/strict';
import type { RkllmAbi } from '../../../src/backends/rkllm/rkllm-abi';
import { RkllmLibrary } from '../../../src/backends/rkllm/rkllm-library';
import { EmulatedRkllm } from './emulated-rkllm';

describe('RkllmLibrary', function () {
  this.timeout(60_000);

  it('refuses a release with unknown structures unless a layout is given, and checks that layout', async () => {
    const rkllm = await EmulatedRkllm.create('1.3', '1.9.0');
    try {
      await assert.rejects(RkllmLibrary.load(), { code: 'backend-rkllm-abi', message: /1\.9\.0/ });
      assert.equal((await RkllmLibrary.load(undefined, '1.3')).defaultParam().length, 184);
      const wrong = await RkllmLibrary.load(undefined, '1.2');
      assert.throws(() => wrong.defaultParam(), { code: 'backend-rkllm-abi', message: /defaults/ });
      await assert.rejects(RkllmLibrary.load('/nowhere.so'), { code: 'backend-rkllm-library' });
    } finally {
      await rkllm.remove();
    }
  });

  it('finds the structures of an unknown release by its symbols and defaults', async () => {
    const load = async (abi: RkllmAbi, more = {}): Promise<RkllmLibrary> => {
      const rkllm = await EmulatedRkllm.create(abi, '', more);
      return RkllmLibrary.load().finally(() => rkllm.remove());
    };
    for (const abi of ['1.2', '1.3'] as const) {
      const library = await load(abi);
      assert.deepEqual([library.version, library.abi], [undefined, abi]);
    }
    await assert.rejects(load('1.2', { EMULATOR_WITHOUT_TOOLS: '1' }), {
      code: 'backend-rkllm-abi',
      message: /does not report/,
    });
  });
});
