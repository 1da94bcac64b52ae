import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BundleManifest, BundleStage } from '../../../model/bundle/bundle-manifest';
import { type Bundle, bundleManifestName } from '../../../model/bundle/read-bundle';
import { readModelConfigs } from '../../../model/checkpoint/checkpoint';
import { visionStages } from '../../../onnx/vision/vision-stages';
import { writePassStage } from './emulated-stage';

export interface TimedBundleOptions {
  readonly cores: number;
  /** Modelled time of each stage, milliseconds. */
  readonly stageMs: number;
}

/**
 * Writes a prepared CPU bundle as one for the NPU of the timed emulator: its stages have the model's shape and only wait,
 * its text side runs on the CPU.
 */
export async function writeTimedBundle(
  dir: string,
  prepared: Bundle,
  { cores, stageMs }: TimedBundleOptions,
) {
  await cp(prepared.dir, dir, { recursive: true });
  const { config } = await readModelConfigs(prepared.dir);
  const stages: BundleStage[] = [];
  for (const { name, halves } of visionStages(config.vision.layers, 'half-layer')) {
    const core = (halves[0]?.layer ?? 0) % cores;
    const options = { residualScale: 1, core, durationUs: stageMs * 1000 };
    stages.push(await writePassStage(dir, name, config, options));
  }
  const manifest: BundleManifest = { ...prepared.manifest, target: 'rk3588', residualScale: 1, stages };
  await writeFile(join(dir, bundleManifestName), JSON.stringify(manifest));
}
