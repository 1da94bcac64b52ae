import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { slowMs } from '../../../src/backends/rknn/stage-watch';
import { openCaptioner } from '../../../src/inference/captioner';
import type { Captioner } from '../../../src/inference/inference';
import { npuLockPath } from '../../../src/platform/npu/npu-lock';
import type { Progress } from '../../../src/protocol/events';
import { EmulatedNpu } from '../../backends/rknn/emulated-npu';
import { demoFrame } from '../../fixtures';
import { holdNpuLock } from '../../platform/npu/hold-npu-lock';
import { ShiftedClock } from '../../system/child-clock/shifted-clock';
import { sharedPictures } from '../shared-pictures';
import { EmulatedBundle } from './emulated-bundle';

interface Expected {
  readonly frame: string;
  readonly prompt: string;
  readonly text: string;
}

const expected: Expected[] = JSON.parse(readFileSync(demoFrame('expected.json'), 'utf8'));
const frames = [...new Map(expected.map((each) => [each.frame, each])).values()];

describe('openCaptioner with a bundle for the NPU', function () {
  this.timeout(120_000);
  let npu: EmulatedNpu;
  let bundle: EmulatedBundle;
  const opened: Captioner[] = [];

  before(async () => {
    npu = await EmulatedNpu.create({ SMOLVLM_NPU_CORES: '3' });
    bundle = await EmulatedBundle.create();
  });
  after(async () => {
    await bundle.remove();
    await npu.remove();
  });
  beforeEach(() => npu.faults());
  afterEach(async () => {
    for (const captioner of opened.splice(0)) await captioner.close();
    assert.deepEqual(await npu.violations(), []);
    await npu.forget();
  });

  async function open(options: Partial<Parameters<typeof openCaptioner>[0]> = {}): Promise<Captioner> {
    const captioner = await openCaptioner({ model: bundle.dir, pictures: sharedPictures, ...options });
    opened.push(captioner);
    return captioner;
  }

  function ask(captioner: Captioner, { frame, prompt }: Expected, progress: Progress[] = []) {
    const hooks = {
      signal: new AbortController().signal,
      onProgress: (each: Progress) => void progress.push(each),
      onToken: () => undefined,
    };
    return captioner.describe([readFileSync(demoFrame(frame))], { id: frame, prompt }, hooks);
  }

  it('takes as many frames at once as this chip has cores for, not as many as the bundle’s chip has', async () => {
    process.env.SMOLVLM_NPU_CORES = '2';
    try {
      assert.equal((await open()).framesInFlight, 3);
    } finally {
      process.env.SMOLVLM_NPU_CORES = '3';
    }
  });

  it('answers as the reference, several frames at once, and says where the time went', async () => {
    const captioner = await open();
    assert.equal(captioner.framesInFlight, 4);
    const some = frames.slice(0, 6);
    const captions = await Promise.all(some.map((each) => ask(captioner, each)));
    assert.deepEqual(
      captions.map(({ text }) => text),
      some.map(({ text }) => text),
    );
    for (const { backend, fallback, vision } of captions) {
      assert.equal(backend, 'rknn fp16 + onnxruntime int8');
      assert.equal(fallback, undefined);
      assert.equal(Object.keys(vision?.stagesMs ?? {}).length, 24);
      assert.equal(vision?.coreBusy?.length, 3);
      assert.ok(vision.coreBusy.every((share) => share > 0 && share <= 1));
    }
    const runs = (await npu.trace()).filter(({ stage }) => stage !== undefined);
    assert.equal(runs.length, 24 * some.length);
    const overlapping = runs.filter((run) =>
      runs.some((other) => other.core !== run.core && other.start! < run.end! && run.start! < other.end!),
    );
    assert.ok(overlapping.length > 0, 'frames on different cores at the same time');
  });

  it('encodes a frame on its cores once, names the cores, and answers about it without them', async () => {
    const captioner = await open();
    const [one] = frames as [Expected];
    const progress: Progress[] = [];
    const hooks = {
      signal: new AbortController().signal,
      onProgress: (each: Progress) => void progress.push(each),
      onToken: () => undefined,
    };
    const features = await captioner.encode([readFileSync(demoFrame(one.frame))], { id: 'encode' }, hooks);
    assert.equal(features.backend, 'rknn fp16');
    assert.equal(Object.keys(features.vision?.stagesMs ?? {}).length, 24);
    assert.ok(features.vision?.coreBusy?.every((share) => share > 0 && share <= 1));
    assert.equal(progress.length, 24);
    assert.deepEqual([...new Set(progress.map(({ core }) => core))].sort(), [0, 1, 2]);
    const ids = features.handles.map(({ id }) => id);
    for (let question = 0; question < 3; question++) {
      const asked = { id: `${question}`, prompt: one.prompt, features: ids };
      assert.equal((await captioner.describe([], asked, hooks)).text, one.text);
    }
    assert.equal((await npu.trace()).filter(({ stage }) => stage !== undefined).length, 24);
  });

  it('answers on the CPU when the NPU returns NaN, and says so in the result', async () => {
    const captioner = await open();
    const [first, second] = frames as [Expected, Expected];
    await npu.faults('nan');
    const caption = await ask(captioner, first);
    assert.equal(caption.text, first.text);
    assert.equal(caption.backend, 'onnxruntime int8');
    assert.equal(caption.fallback?.code, 'stage-output');
    await npu.faults();
    // The NPU is not used for a while after a failure.
    const next = await ask(captioner, second);
    assert.deepEqual([next.text, next.fallback?.code], [second.text, 'stage-output']);
    assert.equal(captioner.fallback?.code, 'stage-output');
  });

  it('fails with the NPU’s own error where the CPU is not allowed', async () => {
    const captioner = await open({ backend: 'npu' });
    await npu.faults('run -2');
    await assert.rejects(ask(captioner, frames[0]!), {
      code: 'backend-rknn-call',
      message: /RKNN_ERR_TIMEOUT/,
    });
    await npu.faults();
    assert.equal((await ask(captioner, frames[0]!)).text, frames[0]!.text);
  });

  it('says that a stage is slow while it is', async () => {
    const clock = new ShiftedClock();
    try {
      const captioner = await open();
      await npu.faults('hang');
      const progress: Progress[] = [];
      const caption = ask(captioner, frames[0]!, progress);
      const stage = await npu.hung();
      clock.advance(slowMs);
      const [warning] = progress.flatMap(({ warning }) => warning ?? []);
      await npu.faults();
      assert.equal((await caption).text, frames[0]!.text);
      assert.equal(warning?.code, 'npu-slow');
      assert.equal(warning.message, `stage ${stage} has been on the NPU for 3 s`);
    } finally {
      clock.restore();
    }
  });

  it('takes the CPU while another engine has the NPU, or waits for it, as set', async () => {
    const other = await holdNpuLock(npuLockPath());
    const [one] = frames as [Expected];
    const second = await open({ backend: 'auto' });
    const caption = await ask(second, one);
    assert.equal(caption.text, one.text);
    assert.equal(caption.fallback?.code, 'npu-busy');
    assert.match(caption.fallback?.message ?? '', new RegExp(`held by process ${other.pid} `));
    const progress: Progress[] = [];
    const third = open({ backend: 'npu', onProgress: (each) => void progress.push(each) });
    while (!progress.some(({ warning }) => warning?.code === 'npu-busy')) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    other.stdin?.end();
    const npuCaption = await ask(await third, one);
    assert.deepEqual([npuCaption.text, npuCaption.fallback], [one.text, undefined]);
  });

  it('stays off the NPU when the request says CPU', async () => {
    const caption = await ask(await open({ backend: 'cpu' }), frames[0]!);
    assert.deepEqual([caption.text, caption.fallback], [frames[0]!.text, undefined]);
    assert.equal((await npu.trace()).length, 0);
  });

  it('says that a bundle has nothing for the CPU, and waits for the NPU then', async () => {
    const bare = await EmulatedBundle.create({ cpuStages: false });
    try {
      await assert.rejects(open({ model: bare.dir, backend: 'cpu' }), { code: 'bundle-no-cpu-stages' });
      const captioner = await open({ model: bare.dir });
      assert.equal((await ask(captioner, frames[0]!)).backend, 'rknn fp16 + onnxruntime int8');
    } finally {
      await bare.remove();
    }
  });

  it('uses the CPU where there is no library of the vendor, and names it', async () => {
    const { SMOLVLM_RKNN_LIBRARY: library = '' } = process.env;
    process.env.SMOLVLM_RKNN_LIBRARY = '/nowhere/librknnrt.so';
    try {
      const { text, fallback } = await ask(await open(), frames[0]!);
      assert.deepEqual([text, fallback?.code], [frames[0]!.text, 'backend-rknn-library']);
      assert.match(fallback?.message ?? '', /nowhere/);
    } finally {
      process.env.SMOLVLM_RKNN_LIBRARY = library;
    }
  });
});
