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
import { sharedPictures } from '../../inference/shared-pictures';
import { useTempFolder } from '../../temp-folder';
import { writeSmallCheckpoint } from '../small-checkpoint';

/** Tiny models with the others' proportions: patches, shuffle, grouped heads, family. */
const lookAlikes = [
  // 6 × 6 patches of 14 pixels in a tile of 90, which they do not divide, joined 3 × 3 into 4 image tokens.
  { like: 'SmolVLM 2.2B', tile: { imageSize: 90, patchSize: 14, scaleFactor: 3 }, tokens: 36, more: {} },
  {
    like: 'SmolVLM2-2.2B',
    tile: { imageSize: 90, patchSize: 14, scaleFactor: 3 },
    tokens: 36,
    more: { model_type: 'smolvlm' },
  },
  {
    like: 'SmolVLM-500M and SmolVLM2-500M',
    tile: { imageSize: 128, patchSize: 16, scaleFactor: 4 },
    tokens: 64,
    more: {
      model_type: 'smolvlm',
      text_config: { num_attention_heads: 6, num_key_value_heads: 2, head_dim: 16 },
    },
  },
  // 364 pixels in patches of 14, joined 2 × 2.
  {
    like: 'Idefics3-8B',
    tile: { imageSize: 84, patchSize: 14, scaleFactor: 2 },
    tokens: 36,
    more: { text_config: { num_attention_heads: 8, num_key_value_heads: 2, head_dim: 8 } },
  },
] as const;

for (const { like, tile, tokens, more } of lookAlikes) {
  describe(`a small checkpoint shaped like ${like}`, function () {
    this.timeout(60_000);
    const temp = useTempFolder();

    it('converts, validates and captions', async () => {
      await writeSmallCheckpoint(temp('odd'), 2, tile, more);
      const checkpoint = await openCheckpoint(temp('odd'));
      const reference = withReference(checkpoint, await chooseFrames());
      const decoder = { precision: 'int8', write: writeOnnxDecoder } as const;
      await prepareCpuBundle(checkpoint, temp('bundle'), { visionPrecision: 'int8', decoder, reference });
      await checkpoint.close();
      const bundle = await readBundle(temp('bundle'));
      assert.deepEqual(bundle.manifest.stages[0]?.input.shape, [1, tokens, 64]);

      const backend = await OnnxVisionBackend.load({ threads: 2 });
      const validation = await validateBundle(bundle, backend, defaultBounds);
      await backend.close();
      assert.ok(validation.pass, JSON.stringify(validation));

      const captioner = await openCaptioner({ model: bundle.dir, pictures: sharedPictures });
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
}
