import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Build, openBuild, visionGraphShape } from '../../../src/convert/bundle/bundle-build';
import { chooseFrames } from '../../../src/convert/npu/calibration-frames';
import type { NpuPrecision } from '../../../src/convert/npu/npu-stage-build';
import { defaultBounds, type NpuStageEntry } from '../../../src/convert/npu/npu-stage-part';
import { convertNpuStages } from '../../../src/convert/npu/npu-stages';
import {
  ReferenceActivations,
  type ValidationReference,
} from '../../../src/convert/npu/reference-activations';
import { type Checkpoint, openCheckpoint } from '../../../src/model/checkpoint/checkpoint';
import { visionStages } from '../../../src/onnx/vision/vision-stages';
import { goldenCheckpoint, goldenReference } from '../golden-reference';
import { KeptModels } from '../toolkit/kept-models';
import { testToolkit } from '../toolkit/test-toolkit';

/** The whole golden tower through the real toolkit and its simulator, against the goldens' activations. */
describe('converting the golden checkpoint', function () {
  this.timeout(600_000);
  const residualScale = 0.1;
  let folder: string;
  let checkpoint: Checkpoint;
  let activations: ReferenceActivations;
  let reference: ValidationReference;
  let models: KeptModels;

  before(async () => {
    // With a space, which the toolkit takes for the end of a path of its data.
    folder = await mkdtemp(join(tmpdir(), 'smolvlm convert '));
    models = await KeptModels.start(folder, await testToolkit(), 2);
    checkpoint = await openCheckpoint(goldenCheckpoint);
    const options = { residualScale, calibrate: true };
    activations = await ReferenceActivations.capture(
      checkpoint,
      await chooseFrames(),
      join(folder, 'a'),
      options,
    );
    reference = await goldenReference(join(folder, 'golden.safetensors'));
  });
  after(async () => {
    await models?.[Symbol.asyncDispose]();
    await reference?.close();
    await checkpoint?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function convert(
    name: string,
    precisions: (layer: number) => readonly NpuPrecision[],
  ): Promise<{ readonly build: Build; readonly entries: readonly NpuStageEntry[] }> {
    const build = await openBuild(checkpoint, join(folder, name), 'key', { stages: 24, others: 0 }, {});
    await mkdir(await build.folder.workDir(), { recursive: true });
    const entries = await convertNpuStages(build, visionStages(12, 'half-layer'), {
      tower: {
        target: 'rk3588',
        // 8 chunks per attention instead of 32: fewer operators, the same pattern.
        queryRows: 128,
        residualScale,
        shape: visionGraphShape(checkpoint.config),
        source: checkpoint.tensors,
        calibration: (activation) => activations.calibration(activation),
      },
      reference,
      bounds: defaultBounds,
      openWorkers: () => models.lend(),
      precisions: ({ halves }) => precisions(halves[0]?.layer ?? 0),
      coreOf: ({ halves }) => (halves[0]?.layer ?? 0) % 3,
    });
    return { build, entries };
  }

  it('makes 24 .rknn files whose accumulated output agrees with the goldens to 0.9995 in fp16', async () => {
    const { build, entries } = await convert('fp16', () => ['fp16']);
    assert.equal(entries.length, 24);
    for (const { stage } of entries) {
      const file = await readFile(join(build.folder.dir, stage.file.path));
      assert.equal(file.subarray(0, 4).toString(), 'RKNN');
      assert.equal(file.length, stage.file.sizeBytes);
    }
    assert.deepEqual(
      entries.slice(0, 8).map(({ stage }) => stage.core),
      [0, 0, 1, 1, 2, 2, 0, 0],
    );
    const tower = entries.at(-1)?.stage.accumulatedCosine ?? 0;
    assert.ok(tower >= 0.9995, `cosine ${tower}`);
  });

  it('keeps 0.998 with layers 2 to 4 in INT8', async () => {
    const { entries } = await convert('hybrid', (layer) => ([2, 3, 4].includes(layer) ? ['int8'] : ['fp16']));
    const int8 = entries.filter(({ stage }) => stage.precision === 'int8').map(({ stage }) => stage.name);
    assert.deepEqual(int8, ['l2_attn', 'l2_mlp', 'l3_attn', 'l3_mlp', 'l4_attn', 'l4_mlp']);
    assert.equal(models.builds, 24 + 6, 'fp16 stages were built before');
    const tower = entries.at(-1)?.stage.accumulatedCosine ?? 0;
    assert.ok(tower >= 0.998 && tower < 0.99999, `cosine ${tower}`);
  });

  it('chooses INT8 if it stays within the bounds', async () => {
    const { entries } = await convert('auto', () => ['int8', 'fp16']);
    const int8 = entries.filter(({ stage }) => stage.precision === 'int8');
    assert.ok(int8.length >= 1);
    assert.equal(models.builds, 48, 'each stage once in each precision');
    for (const { stage } of int8) assert.ok((stage.cosine ?? 0) >= defaultBounds.stage, stage.name);
    const tower = entries.at(-1)?.stage.accumulatedCosine ?? 0;
    assert.ok(tower >= defaultBounds.tower, `cosine ${tower}`);
  });
});
