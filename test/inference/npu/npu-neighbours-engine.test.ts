import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineClient } from '../../../src/client/engine-client';
import type { NpuSharing } from '../../../src/protocol/describe-request';
import type { LoadedModel } from '../../../src/protocol/engine-status';
import type { DescribeFinal, EngineEvent } from '../../../src/protocol/events';
import { EmulatedNpu } from '../../backends/rknn/emulated-npu';
import { isAlive } from '../../client/local-fake';
import { demoFrame } from '../../fixtures';
import { PlantedNeighbours } from '../../platform/npu/planted-neighbours';
import { EmulatedBundle } from './emulated-bundle';

const picture = readFileSync(demoFrame('frame_09_street_day.jpg'));
const frigate = 'process 640 (frigate.detector:rknn)';
const rkllm = 'process 655 (python3 server.py)';
const onNpu = 'rknn fp16 + onnxruntime int8';

describe('an engine process beside other programs on the NPU', function () {
  this.timeout(120_000);
  let npu: EmulatedNpu;
  let neighbours: PlantedNeighbours;
  let bundle: EmulatedBundle;
  let directory: string;
  let client: EngineClient;
  let frames = 0;

  before(async () => {
    bundle = await EmulatedBundle.create();
    npu = await EmulatedNpu.create();
    neighbours = new PlantedNeighbours();
    directory = mkdtempSync(join(tmpdir(), 'smolvlm-test-'));
    client = new EngineClient({ kind: 'local' }, { local: { directory, idleExitSeconds: 0 } });
  });
  after(async () => {
    const { pid } = await client.status();
    await client.close();
    while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
    neighbours?.remove();
    await npu?.remove();
    await bundle?.remove();
    if (directory) rmSync(directory, { recursive: true });
  });
  afterEach(() => neighbours.leave());

  /** Each frame is another one: features of an earlier one would need no NPU. */
  async function ask(npuSharing: NpuSharing | undefined, events: EngineEvent[] = []): Promise<DescribeFinal> {
    frames += 1;
    const crop = { x: 0, y: 0, width: 1, height: 1 - frames / 100 };
    const runtime = npuSharing === undefined ? {} : { npuSharing };
    const request = { model: bundle.dir, prompt: 'Is there a cat?', crop, runtime };
    return client.describe(request, [picture], { onEvent: (event) => void events.push(event) });
  }

  /** The model that was used last. */
  async function model(): Promise<LoadedModel> {
    return (await client.status()).models.at(-1) ?? assert.fail('no model');
  }

  function warnings(events: readonly EngineEvent[]): readonly string[] {
    return [
      ...new Set(events.flatMap((event) => (event.type === 'progress' && event.warning?.message) || [])),
    ];
  }

  it('has nothing to say while it is alone', async () => {
    const events: EngineEvent[] = [];
    const final = await ask('share', events);
    assert.equal(final.type === 'result' && final.result.backend, onNpu, JSON.stringify(final));
    assert.deepEqual(warnings(events), []);
    const { npuSharedWith, npuSharing } = await model();
    assert.deepEqual([npuSharedWith, npuSharing], [undefined, undefined]);
  });

  for (const [choice, said] of [
    [undefined, 'by default'],
    ['share', 'where that is chosen'],
  ] as const) {
    it(`shares the NPU ${said}; progress and status name Frigate and RKLLM`, async () => {
      neighbours.frigate();
      neighbours.rkllm();
      const events: EngineEvent[] = [];
      const final = await ask(choice, events);
      assert.ok(final.type === 'result', JSON.stringify(final));
      assert.deepEqual([final.result.backend, final.result.fallback], [onNpu, undefined]);
      assert.deepEqual(warnings(events), [`the NPU is also in use by ${frigate}, ${rkllm}`]);
      const { npuSharedWith, npuSharing, fallback } = await model();
      assert.deepEqual([npuSharedWith, npuSharing, fallback], [[frigate, rkllm], 'share', undefined]);
    });
  }

  it('uses the CPU while Frigate is there, where that is chosen, and the NPU again afterwards', async () => {
    neighbours.frigate();
    await npu.forget();
    const beside = await ask('cpu');
    assert.ok(beside.type === 'result', JSON.stringify(beside));
    assert.equal(beside.result.backend, 'onnxruntime int8');
    const reason = { code: 'npu-shared', message: `the NPU is in use by ${frigate}` };
    assert.deepEqual({ ...beside.result.fallback, hint: undefined }, { ...reason, hint: undefined });
    assert.deepEqual(
      (await npu.trace()).filter(({ stage }) => stage),
      [],
      'the NPU is left alone',
    );
    const { npuSharedWith, npuSharing, fallback, backend } = await model();
    assert.deepEqual(
      [npuSharedWith, npuSharing, fallback?.message, backend],
      [[frigate], 'cpu', reason.message, 'onnxruntime int8'],
    );
    neighbours.leave();
    const alone = await ask('cpu');
    assert.equal(alone.type === 'result' && alone.result.backend, onNpu, JSON.stringify(alone));
    assert.equal((await model()).fallback, undefined);
  });

  it('refuses a frame while an RKLLM server is there, where that is chosen, and takes the next one', async () => {
    const alone = await ask('refuse');
    assert.equal(alone.type === 'result' && alone.result.backend, onNpu, JSON.stringify(alone));
    neighbours.rkllm();
    const beside = await ask('refuse');
    assert.ok(beside.type === 'error', JSON.stringify(beside));
    assert.equal(beside.error.code, 'npu-shared');
    assert.equal(beside.error.message, `the NPU is in use by ${rkllm}`);
    assert.match(beside.error.hint ?? '', /SMOLVLM_NPU_SHARING/);
    const { npuSharedWith, npuSharing } = await model();
    assert.deepEqual([npuSharedWith, npuSharing], [[rkllm], 'refuse']);
    neighbours.leave();
    const again = await ask('refuse');
    assert.equal(again.type === 'result' && again.result.backend, onNpu, JSON.stringify(again));
  });
});
