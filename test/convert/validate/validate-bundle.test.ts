import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { OnnxVisionBackend } from '../../../src/backends/onnxruntime/onnx-vision-backend';
import { prepareCpuBundle } from '../../../src/convert/bundle/cpu-bundle';
import { writeOnnxDecoder } from '../../../src/convert/bundle/onnx-decoder';
import { withReference } from '../../../src/convert/npu/bundle-reference';
import { chooseFrames } from '../../../src/convert/npu/calibration-frames';
import { defaultBounds } from '../../../src/convert/npu/npu-stage-part';
import { validateBundle } from '../../../src/convert/validate/validate-bundle';
import { openCaptioner } from '../../../src/inference/captioner';
import { readBundle } from '../../../src/model/bundle/read-bundle';
import { openCheckpoint } from '../../../src/model/checkpoint/checkpoint';
import { demoFrame } from '../../fixtures';
import { useTempFolder } from '../../temp-folder';
import { writeSmallCheckpoint } from '../small-checkpoint';

describe('a checkpoint whose patches do not divide its tile, like SmolVLM 2.2B', function () {
  this.timeout(60_000);
  const temp = useTempFolder();

  it('converts, validates and captions', async () => {
    // 6 × 6 patches of 14 pixels in a tile of 90, joined 3 × 3 into 4 image tokens.
    await writeSmallCheckpoint(temp('odd'), 2, { imageSize: 90, patchSize: 14, scaleFactor: 3 });
    const checkpoint = await openCheckpoint(temp('odd'));
    const reference = withReference(checkpoint, await chooseFrames());
    const decoder = { precision: 'int8', write: writeOnnxDecoder } as const;
    await prepareCpuBundle(checkpoint, temp('bundle'), { visionPrecision: 'int8', decoder, reference });
    await checkpoint.close();
    const bundle = await readBundle(temp('bundle'));
    assert.deepEqual(bundle.manifest.stages[0]?.input.shape, [1, 36, 64]);

    const backend = await OnnxVisionBackend.load({ threads: 2 });
    const validation = await validateBundle(bundle, backend, defaultBounds);
    await backend.close();
    assert.ok(validation.pass, JSON.stringify(validation));

    const captioner = await openCaptioner({ model: bundle.dir });
    try {
      const picture = await readFile(demoFrame('frame_05_porch_day.jpg'));
      const request = { id: 'odd', prompt: 'What is there?', detail: 'low', maxNewTokens: 3 } as const;
      const hooks = { signal: new AbortController().signal, onProgress: () => {}, onToken: () => {} };
      const { tokenIds, tiles } = await captioner.describe([picture], request, hooks);
      assert.deepEqual([tokenIds.length, tiles], [3, 1]);
    } finally {
      await captioner.close();
    }
  });
});
