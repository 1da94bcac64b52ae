import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { EmulatedNpu } from '../../backends/rknn/emulated-npu';
import { demoFrame } from '../../fixtures';
import { EmulatedBundle } from '../../inference/npu/emulated-bundle';
import { PlantedNeighbours } from '../../platform/npu/planted-neighbours';
import { CaptionFlow, CaptionRuntime } from './caption-flow';

describe('a caption node whose NPU Frigate’s detector uses as well', function () {
  this.timeout(120_000);
  const frames = ['frame_01_driveway_day.jpg', 'frame_09_street_day.jpg', 'frame_02_driveway_night.jpg'];
  let npu: EmulatedNpu;
  let neighbours: PlantedNeighbours;
  let bundle: EmulatedBundle;
  // Before the runtime's own: the engine reads its environment when it starts.
  before(async () => {
    bundle = await EmulatedBundle.create();
    npu = await EmulatedNpu.create();
    neighbours = new PlantedNeighbours();
    neighbours.frigate();
  });
  new CaptionRuntime();
  after(async () => {
    neighbours?.remove();
    await npu?.remove();
    await bundle?.remove();
  });

  async function ask(npuSharing: string) {
    const flow = new CaptionFlow();
    await flow.load({ prompt: 'Is there a cat?' }, { model: bundle.dir, npuSharing });
    const payload = readFileSync(demoFrame(frames.shift() ?? assert.fail()));
    const message = await flow.ask({ payload });
    return { flow, message };
  }

  it('shows that the NPU is shared, and answers from it', async () => {
    // At most two statuses a second are shown: vision takes longer than that.
    await npu.faults('slow 100');
    const { flow, message } = await ask('share');
    await npu.faults();
    assert.ok(
      flow.statuses.some((text) => text.endsWith('status.warning.npu-shared')),
      flow.statuses.join(),
    );
    assert.equal(message.caption?.backend, 'rknn fp16 + onnxruntime int8', JSON.stringify(message.error));
  });

  it('shows that the CPU answered, and its caption names Frigate, where the CPU is chosen', async () => {
    const { flow, message } = await ask('cpu');
    await flow.status(/answeredOnCpu$/);
    const { backend, fallback } = message.caption as { backend: string; fallback: { message: string } };
    assert.equal(backend, 'onnxruntime int8');
    assert.equal(fallback.message, 'the NPU is in use by process 640 (frigate.detector:rknn)');
  });

  it('ends the message with an error that names Frigate, where that is chosen', async () => {
    const { flow, message } = await ask('refuse');
    assert.equal(message.error?.code, 'npu-shared', JSON.stringify(message));
    assert.match(message.error?.message ?? '', /in use by process 640 \(frigate\.detector:rknn\)/);
    await flow.status(/npuBusy$/);
  });
});
