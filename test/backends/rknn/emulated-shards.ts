import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeEmulatedShard } from '../../../src/cli/bench/emulator/emulated-stage';
import type { BundleStage } from '../../../src/model/bundle/bundle-manifest';
import { type Checkpoint, openCheckpoint } from '../../../src/model/checkpoint/checkpoint';
import { visionStages } from '../../../src/onnx/vision/vision-stages';
import { fewPatches, writeSmallCheckpoint } from '../../convert/small-checkpoint';
import { EmulatedNpu } from './emulated-npu';

export const residualScale = 0.1;

/** One layer for each core of the NPU. */
const layers = 3;

/** An emulated NPU, and a checkpoint's shards for it, for the tests of a suite. */
export class EmulatedShards {
  npu!: EmulatedNpu;
  checkpoint!: Checkpoint;
  dir!: string;
  stages!: readonly BundleStage[];

  /** Call it inside the suite. @param model a checkpoint's folder; default: a small one of three layers, 64 patches, 64 channels */
  constructor(model?: string) {
    let folder = '';
    before(async () => {
      this.npu = await EmulatedNpu.create();
      folder = await mkdtemp(join(tmpdir(), 'smolvlm-shards-'));
      const small = join(folder, 'model');
      if (model === undefined) await writeSmallCheckpoint(small, layers, fewPatches);
      this.checkpoint = await openCheckpoint(model ?? small);
      this.dir = join(folder, 'shards');
      await mkdir(this.dir);
      const { config, tensors } = this.checkpoint;
      const made: BundleStage[] = [];
      for (const plan of visionStages(config.vision.layers, 'half-layer')) {
        const core = (plan.halves[0]?.layer ?? 0) % 3;
        made.push(await writeEmulatedShard(this.dir, plan, config, tensors, { residualScale, core }));
      }
      this.stages = made;
    });
    after(async () => {
      await this.npu.remove();
      await this.checkpoint.close();
      await rm(folder, { recursive: true, force: true });
    });
    beforeEach(() => this.npu.faults());
    afterEach(async () => {
      assert.deepEqual(await this.npu.violations(), []);
      await this.npu.forget();
    });
  }
}
