import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lostMs } from '../../../src/backends/rknn/stage-watch';
import { EngineClient } from '../../../src/client/engine-client';
import { recordNpuCrash } from '../../../src/platform/npu/npu-crash-log';
import type { DescribeFinal, EngineEvent } from '../../../src/protocol/events';
import { thisProcess } from '../../../src/system/lock/lock-holder';
import { EmulatedRkllm } from '../../backends/rkllm/emulated-rkllm';
import { EmulatedNpu } from '../../backends/rknn/emulated-npu';
import { isAlive } from '../../client/local-fake';
import { fewPatches, writeSmallCheckpoint } from '../../convert/small-checkpoint';
import { setEnvironment } from '../../environment';
import { demoFrame, repositoryRoot } from '../../fixtures';
import { repetitions } from '../../quick-loop';
import { ChildClock } from '../../system/child-clock/child-clock';
import { EmulatedBundle } from './emulated-bundle';

const question = { prompt: 'Is there a cat?', maxNewTokens: 8 };
const picture = readFileSync(demoFrame('frame_09_street_day.jpg'));

describe('an engine with an NPU that fails', function () {
  this.timeout(120_000);
  let npu: EmulatedNpu;
  /** Of the engines. */
  let clock: ChildClock;
  let bundle: EmulatedBundle;
  /** Its decoder is on the NPU as well. */
  let full: EmulatedBundle;
  let folder: string;
  let directory: string;
  let client: EngineClient;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'smolvlm-model-'));
    const model = join(folder, 'model');
    await writeSmallCheckpoint(model, 2, fewPatches);
    bundle = await EmulatedBundle.create({ model });
    full = await EmulatedBundle.create({ model, npuDecoder: true });
  });
  after(async () => {
    await full.remove();
    await bundle.remove();
    rmSync(folder, { recursive: true });
  });
  beforeEach(async () => {
    npu = await EmulatedNpu.create();
    await recordOldCrashes(join(npu.dir, 'lock'));
    clock = new ChildClock();
    directory = mkdtempSync(join(tmpdir(), 'smolvlm-test-'));
    client = new EngineClient({ kind: 'local' }, { local: { directory, idleExitSeconds: 0 } });
  });
  afterEach(async () => {
    const { pid } = await client.status();
    await client.close();
    while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
    clock.remove();
    await npu.remove();
    rmSync(directory, { recursive: true });
  });

  function ask(backend: 'auto' | 'npu', events: EngineEvent[] = []): Promise<DescribeFinal> {
    const request = { model: bundle.dir, ...question, runtime: { backend } };
    return client.describe(request, [picture], { onEvent: (event) => void events.push(event) });
  }

  for (const [fault, what] of [
    ['segfault 0 6', 'the vendor’s library crashes'],
    ['hang 0 6', 'a stage never comes back'],
  ] as const) {
    it(`answers from the CPU of a new engine when ${what}, and says why`, async () => {
      const first = await ask('auto');
      assert.equal(first.type === 'result' && first.result.backend, 'rknn fp16 + onnxruntime int8');
      const { pid } = await client.status();
      await npu.faults(fault);
      const other = client.describe({ model: bundle.dir, ...question, crop: half }, [picture]);
      if (fault.startsWith('hang')) {
        await npu.hung();
        clock.advance(lostMs);
      }
      const final = await other;
      assert.ok(final.type === 'result', JSON.stringify(final));
      assert.equal(final.result.fallback?.code, 'npu-deaths', JSON.stringify(final.result.fallback));
      assert.match(final.result.fallback?.message ?? '', new RegExp(`\\(${pid}, `));
      const status = await client.status();
      assert.notEqual(status.pid, pid);
      assert.equal(status.models[0]?.fallback?.code, 'npu-deaths');
    });
  }

  it('answers with the decoder on the NPU, whose words come from its own thread', async () => {
    const rkllm = await EmulatedRkllm.create('1.2');
    try {
      const events: EngineEvent[] = [];
      const request = { model: full.dir, ...question, stream: true, runtime: { decoder: 'npu' as const } };
      const final = await client.describe(request, [picture], {
        onEvent: (event) => void events.push(event),
      });
      assert.ok(final.type === 'result', JSON.stringify(final));
      assert.equal(final.result.backend, 'rknn fp16 + rkllm');
      const words = events.flatMap((event) => (event.type === 'token' ? event.text : []));
      assert.equal(words.join(''), final.result.text);
      assert.deepEqual(await rkllm.violations(), []);
      await rkllm.faults('segfault');
      const next = await client.describe({ ...request, runtime: {} }, [picture]);
      assert.equal(next.type === 'result' && next.result.fallback?.code, 'npu-deaths', JSON.stringify(next));
    } finally {
      await rkllm.remove();
    }
  });

  it('answers from a new engine when the decoder on the NPU never comes back, and says why', async () => {
    const rkllm = await EmulatedRkllm.create('1.3');
    const restore = setEnvironment({ SMOLVLM_NPU_SILENCE_MS: `${lostMs}` });
    try {
      const request = { model: full.dir, ...question };
      const first = await client.describe(request, [picture]);
      assert.equal(first.type === 'result' && first.result.backend, 'rknn fp16 + rkllm');
      const { pid } = await client.status();
      await rkllm.forget();
      await rkllm.faults('hang');
      const answer = client.describe(request, [picture]);
      // Its run is aborted first, then given up.
      await rkllm.traced(({ run }) => run !== undefined);
      clock.advance(lostMs);
      await rkllm.traced(({ abort }) => abort !== undefined);
      clock.advance(lostMs);
      const next = await answer;
      assert.equal(next.type === 'result' && next.result.fallback?.code, 'npu-deaths', JSON.stringify(next));
      assert.notEqual((await client.status()).pid, pid);
    } finally {
      restore();
      await rkllm.remove();
    }
  });

  it('is replaced before a library that loses memory fills the machine, and answers every frame', async () => {
    await client.close();
    const main = join(repositoryRoot, 'dist', 'src', 'cli', 'main.js');
    const command: [string, ...string[]] = [process.execPath, main, 'serve', '--memory-limit-mb', '700'];
    client = new EngineClient({ kind: 'local' }, { local: { directory, idleExitSeconds: 0, command } });
    await npu.faults('leak 48000000');
    const pids = new Set<number>();
    for (let frame = 0; frame < repetitions(6, 4); frame++) {
      const crop = { x: 0, y: 0, width: 1, height: 1 - frame / 100 };
      const request = { model: bundle.dir, ...question, crop, runtime: { backend: 'npu' as const } };
      const final = await client.describe(request, [picture]);
      assert.equal(final.type, 'result', JSON.stringify(final));
      pids.add((await client.status()).pid);
    }
    assert.ok(pids.size >= 2, `${pids.size} engines`);
  });

  it('gives a frame up that ends the engine twice where the CPU is not allowed, and takes the next', async () => {
    await npu.faults('segfault');
    const final = await ask('npu');
    assert.equal(final.type === 'error' && final.error.code, 'engine-lost');
    await npu.faults();
    const next = await ask('npu');
    assert.equal(next.type === 'result' && next.result.backend, 'rknn fp16 + onnxruntime int8');
  });
});

/**
 * Three crashes, half an hour ago: they do not pause the NPU now, and the next one does so for a quarter of an hour. After a
 * first crash it would be 15 s, in which a busy machine may not start an engine.
 */
async function recordOldCrashes(lockPath: string): Promise<void> {
  for (const token of ['first', 'second', 'third']) {
    const holder = { ...thisProcess(), token, since: '' };
    await recordNpuCrash(lockPath, holder, Date.now() - 30 * 60_000);
  }
}

const half = { x: 0, y: 0, width: 0.5, height: 1 };
