import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineClient } from '../../../src/client/engine-client';
import type { LoadedModel } from '../../../src/protocol/engine-status';
import { isAlive } from '../../client/local-fake';
import { setEnvironment } from '../../environment';
import { demoFrame } from '../../fixtures';
import { useTempFolder } from '../../temp-folder';

describe('an engine process on a CPU that computes quantised products wrongly', function () {
  this.timeout(120_000);
  const temp = useTempFolder();

  /** Has an engine process caption a frame. @param wrong kernels that are wrong; none: as they are */
  async function captioned(wrong?: 'kleidiai' | 'every'): Promise<LoadedModel & { readonly text: string }> {
    const preload = `--require ${join(__dirname, 'wrong-kernel-preload.js')}`;
    const restore = setEnvironment({
      NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} ${preload}`,
      ...(wrong && { SMOLVLM_TEST_WRONG_KERNEL: wrong }),
    });
    const local = { directory: temp('engine'), idleExitSeconds: 0 };
    const client = new EngineClient({ kind: 'local' }, { local });
    let pid: number | undefined;
    try {
      const request = { model: 'demo', prompt: 'Describe this image.' };
      const final = await client.describe(request, [readFileSync(demoFrame('frame_01_driveway_day.jpg'))]);
      assert.ok(final.type === 'result', JSON.stringify(final));
      const status = await client.status();
      pid = status.pid;
      assert.equal(final.result.backend, status.models[0]?.backend);
      return { ...(status.models[0] ?? assert.fail()), text: final.result.text };
    } finally {
      await client.close();
      restore();
      while (pid !== undefined && isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  it('names in its status the precision, and nothing else while every product is right', async () => {
    const { backend, arithmetic } = await captioned();
    assert.deepEqual([backend, arithmetic], ['onnxruntime int8', undefined]);
  });

  it('names in its status the kernels that the self-test left out, and captions in int8 without them', async () => {
    const { backend, arithmetic, text } = await captioned('kleidiai');
    assert.equal(backend, 'onnxruntime int8');
    assert.equal(arithmetic?.code, 'cpu-products');
    assert.match(
      arithmetic.message,
      /DynamicQuantizeMatMul \(error 50 %\) wrongly on this CPU; the kernels of KleidiAI are not used$/,
    );
    assert.match(text, /^A black cat sits on the left/);
  });

  it('names in its status float32 where every int8 kernel is wrong, and captions in it', async () => {
    const { backend, arithmetic, text } = await captioned('every');
    assert.equal(backend, 'onnxruntime float32');
    assert.match(arithmetic?.message ?? '', /error 50 %\) wrongly .*; the model is computed in float32$/);
    assert.match(text, /^A black cat sits on the left/);
  });
});
