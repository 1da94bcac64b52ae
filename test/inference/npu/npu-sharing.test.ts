import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { NpuSharingRule } from '../../../src/inference/npu/npu-sharing';
import { openTower } from '../../../src/inference/npu/open-tower';
import { PhaseTimer } from '../../../src/inference/phase-timer';
import { VisionEncoder } from '../../../src/inference/vision/vision-encoder';
import { readBundle } from '../../../src/model/bundle/read-bundle';
import { readModelConfigs } from '../../../src/model/checkpoint/checkpoint';
import type { NpuUser } from '../../../src/platform/npu/npu-users';
import type { NpuSharing } from '../../../src/protocol/describe-request';
import type { Progress } from '../../../src/protocol/events';
import { readSettings } from '../../../src/system/settings';
import { EmulatedNpu } from '../../backends/rknn/emulated-npu';
import { demoFrame } from '../../fixtures';
import { sharedPictures } from '../shared-pictures';
import { EmulatedBundle } from './emulated-bundle';

describe('an NPU that Frigate’s detector uses as well', function () {
  this.timeout(60_000);
  const frigate: NpuUser = { pid: 640, command: 'frigate.detector:rknn', program: 'frigate' };
  const neighbours: { users: NpuUser[] } = { users: [] };
  let npu: EmulatedNpu;
  let bundle: EmulatedBundle;
  let progress: Progress[] = [];

  before(async () => {
    npu = await EmulatedNpu.create({ SMOLVLM_NPU_CORES: '1-2' });
    bundle = await EmulatedBundle.create();
  });
  after(async () => {
    await bundle?.remove();
    await npu?.remove();
  });
  beforeEach(async () => {
    progress = [];
    neighbours.users = [frigate];
    await npu.forget();
  });

  async function withEncoder(
    sharing: NpuSharing,
    work: (encode: () => Promise<string | undefined>) => Promise<void>,
    backend: 'auto' | 'npu' = 'auto',
  ): Promise<void> {
    const opened = await readBundle(bundle.dir);
    const rule = new NpuSharingRule(sharing, neighbours);
    const tower = await openTower(opened, { backend, npu: readSettings().npu, sharing: rule });
    const { imageProcessor } = await readModelConfigs(bundle.dir);
    const encoder = new VisionEncoder(tower, imageProcessor, sharedPictures);
    const hooks = {
      signal: new AbortController().signal,
      onProgress: (each: Progress) => void progress.push(each),
      onToken: () => undefined,
    };
    const frames = ['frame_01_driveway_day.jpg', 'frame_02_driveway_night.jpg'];
    let next = 0;
    const encode = async (): Promise<string | undefined> => {
      const picture = readFileSync(demoFrame(frames[next++ % 2] as string));
      const options = { detail: 'low', priority: 0 } as const;
      const timed = { ...hooks, timer: new PhaseTimer() };
      const prepared = await encoder.prepare([picture], { id: 'frame' }, options, timed);
      return (await encoder.encode(prepared, options, timed)).fallback?.code;
    };
    try {
      await work(encode);
    } finally {
      await tower.tower.close();
    }
  }

  async function runs(): Promise<readonly number[]> {
    const found = (await npu.trace()).filter(({ stage }) => stage !== undefined);
    return [...new Set(found.map(({ core = -1 }) => core))].sort();
  }

  it('is shared by default, on the cores that are left to it, and the status says so', () =>
    withEncoder('share', async (encode) => {
      assert.equal(await encode(), undefined);
      assert.deepEqual(await runs(), [1, 2]);
      assert.ok(
        progress.every(({ warning }) => warning),
        'each step says so: an unread one is replaced by the next',
      );
      const warnings = progress.flatMap(({ warning }) => (warning ? [warning] : []));
      assert.deepEqual(
        new Set(warnings.map(({ code, message }) => `${code}: ${message}`)),
        new Set(['npu-shared: the NPU is also in use by process 640 (frigate.detector:rknn)']),
      );
    }));

  it('is left alone while Frigate uses it, where the CPU is chosen, and used again afterwards', () =>
    withEncoder('cpu', async (encode) => {
      assert.equal(await encode(), 'npu-shared');
      assert.deepEqual(await runs(), []);
      neighbours.users = [];
      assert.equal(await encode(), undefined);
      assert.deepEqual(await runs(), [1, 2]);
    }));

  it('refuses the frame where that is chosen, or where the CPU is chosen and not allowed', async () => {
    await assert.rejects(
      withEncoder('refuse', async (encode) => void (await encode())),
      { code: 'npu-shared', message: /process 640/, hint: /SMOLVLM_NPU_SHARING/ },
    );
    await assert.rejects(
      withEncoder('cpu', async (encode) => void (await encode()), 'npu'),
      { code: 'npu-shared' },
    );
    assert.deepEqual(await runs(), []);
    neighbours.users = [];
    await withEncoder('refuse', async (encode) => {
      assert.equal(await encode(), undefined);
      neighbours.users = [frigate];
      await assert.rejects(encode(), { code: 'npu-shared' });
    });
  });
});
