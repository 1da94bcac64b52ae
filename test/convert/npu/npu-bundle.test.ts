import assert from 'node:assert/strict';
import { writeOnnxDecoder } from '../../../src/convert/bundle/onnx-decoder';
import { chooseFrames } from '../../../src/convert/npu/calibration-frames';
import { npuBundleKey } from '../../../src/convert/npu/npu-bundle';
import { openCheckpoint } from '../../../src/model/checkpoint/checkpoint';
import { toolkitVersions } from '../../../src/protocol/models/conversion-choices';
import { goldenCheckpoint } from '../golden-reference';

describe('npuBundleKey', () => {
  it('differs between toolkits, so that shards are never mixed', async () => {
    const checkpoint = await openCheckpoint(goldenCheckpoint);
    try {
      const frames = await chooseFrames();
      const keys = toolkitVersions.map((version) =>
        npuBundleKey(checkpoint, {
          toolkit: { python: 'python3', version },
          target: 'rk3588',
          precision: 'fp16',
          int8Layers: [],
          granularity: 'half-layer',
          queryRows: 32,
          residualScale: 0.1,
          bounds: { stage: 0.999, tower: 0.998 },
          frames,
          decoder: { precision: 'int8', write: writeOnnxDecoder },
          cpuStages: false,
        }),
      );
      assert.equal(new Set(await Promise.all(keys)).size, toolkitVersions.length);
    } finally {
      await checkpoint.close();
    }
  });
});
