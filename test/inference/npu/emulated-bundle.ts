import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeEmulatedDecoder } from '../../../src/cli/bench/emulator/emulated-decoder';
import { writeEmulatedShard } from '../../../src/cli/bench/emulator/emulated-stage';
import { writeOnnxDecoder } from '../../../src/convert/bundle/onnx-decoder';
import { preparedBundle } from '../../../src/convert/bundle/prepared-bundle';
import { withReference } from '../../../src/convert/npu/bundle-reference';
import { chooseFrames } from '../../../src/convert/npu/calibration-frames';
import type { BundleFile, BundleManifest, BundleStage } from '../../../src/model/bundle/bundle-manifest';
import { bundleManifestName } from '../../../src/model/bundle/read-bundle';
import { type Checkpoint, openCheckpoint } from '../../../src/model/checkpoint/checkpoint';
import { demoModelFolder } from '../../../src/model/hub/resolve-model';
import { visionStages } from '../../../src/onnx/vision/vision-stages';

const residualScale = 0.1;

/** Writes every half-layer of a checkpoint as a shard for the emulated NPU: `l0_attn.rknn` … */
export async function writeEmulatedShards(
  dir: string,
  { config, tensors }: Checkpoint,
): Promise<readonly BundleStage[]> {
  const stages: BundleStage[] = [];
  for (const plan of visionStages(config.vision.layers, 'half-layer')) {
    const core = (plan.halves[0]?.layer ?? 0) % 3;
    stages.push(await writeEmulatedShard(dir, plan, config, tensors, { residualScale, core }));
  }
  return stages;
}

/** The float32 tower's activations of a demo frame, for `validate`. */
async function writeReference(dir: string, checkpoint: Checkpoint): Promise<BundleFile> {
  const work = await mkdtemp(join(tmpdir(), 'smolvlm-reference-'));
  try {
    return (await withReference(checkpoint, await chooseFrames()).write(dir, work)).entry;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The demo model, or another checkpoint, as a bundle for an RK3588, its shards for the emulated NPU, its stages for the CPU beside them. */
export class EmulatedBundle {
  private constructor(readonly dir: string) {}

  static async create({
    model = demoModelFolder,
    cpuStages = true,
    npuDecoder = false,
    reference = false,
  } = {}): Promise<EmulatedBundle> {
    const decoder = { precision: 'int8', write: writeOnnxDecoder } as const;
    const prepared = await preparedBundle(model, { visionPrecision: 'int8', decoder });
    const dir = await mkdtemp(join(tmpdir(), 'smolvlm-emulated-'));
    await cp(prepared.dir, dir, { recursive: true });
    const checkpoint = await openCheckpoint(model);
    let stages: readonly BundleStage[];
    let validation: BundleFile | undefined;
    let decoderEntry: BundleManifest['npuDecoder'];
    try {
      stages = await writeEmulatedShards(dir, checkpoint);
      if (reference) validation = await writeReference(dir, checkpoint);
      if (npuDecoder) decoderEntry = await writeEmulatedDecoder(dir, checkpoint);
    } finally {
      await checkpoint.close();
    }
    const manifest: BundleManifest = {
      ...prepared.manifest,
      target: 'rk3588',
      residualScale,
      stages,
      ...(decoderEntry && { npuDecoder: decoderEntry }),
      ...(validation && { validation }),
      ...(cpuStages && { cpuStages: prepared.manifest.stages }),
    };
    await writeFile(join(dir, bundleManifestName), JSON.stringify(manifest));
    return new EmulatedBundle(dir);
  }

  async remove(): Promise<void> {
    await rm(this.dir, { recursive: true, force: true });
  }
}
