import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeEmulatedShard } from '../../../src/cli/bench/emulator/emulated-stage';
import type { BundleStage } from '../../../src/model/bundle/bundle-manifest';
import { readModelConfigs } from '../../../src/model/checkpoint/checkpoint';
import { visionStages } from '../../../src/onnx/vision/vision-stages';
import { fixture } from '../../fixtures';
import { goldenTensors } from '../../model/safetensors/safetensors-fixture';
import { EmulatedNpu } from './emulated-npu';

export const tiny = fixture('goldens', 'tiny-idefics3');
export const residualScale = 0.1;

/** An emulated NPU, and the tiny checkpoint's 24 shards for it, for the tests of a suite. */
export class EmulatedShards {
  npu!: EmulatedNpu;
  dir!: string;
  stages!: readonly BundleStage[];

  /** Call it inside the suite. */
  constructor() {
    before(async () => {
      this.npu = await EmulatedNpu.create();
      this.dir = await mkdtemp(join(tmpdir(), 'smolvlm-shards-'));
      const source = goldenTensors('tiny-idefics3', 'model');
      const { config } = await readModelConfigs(tiny);
      const made: BundleStage[] = [];
      for (const plan of visionStages(config.vision.layers, 'half-layer')) {
        const core = (plan.halves[0]?.layer ?? 0) % 3;
        made.push(await writeEmulatedShard(this.dir, plan, config, source, { residualScale, core }));
      }
      this.stages = made;
    });
    after(async () => {
      await this.npu.remove();
      await rm(this.dir, { recursive: true, force: true });
    });
    beforeEach(() => this.npu.faults());
    afterEach(async () => {
      assert.deepEqual(await this.npu.violations(), []);
      await this.npu.forget();
    });
  }
}
