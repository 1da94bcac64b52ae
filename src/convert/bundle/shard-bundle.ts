import { copyFile, rm, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { BundleError } from '../../model/bundle/bundle-file';
import type { BundleManifest, BundleStage, TensorSpec } from '../../model/bundle/bundle-manifest';
import type { Bundle } from '../../model/bundle/read-bundle';
import type { Checkpoint } from '../../model/checkpoint/checkpoint';
import { visionStages } from '../../onnx/vision/vision-stages';
import {
  type BuildControl,
  buildHost,
  buildOptionalParts,
  countOptionalParts,
  finishBundle,
  hostParts,
  openBuild,
  visionGraphShape,
} from './bundle-build';
import { buildCpuStages, type CpuBundleOptions, cpuBundleKey } from './cpu-bundle';
import { checkDiskSpace, cpuBundleBytes, namingFullDisk } from './disk-space';

export interface ShardBundleOptions extends Omit<CpuBundleOptions, 'granularity'> {
  /** `link`: the bundle refers to the shards where they are; `copy`: it contains them. */
  readonly shards: 'link' | 'copy';
}

/**
 * Makes a bundle of a folder of shards without a manifest and the checkpoint they were made from: the shards run on the
 * NPU; host tensors, decoder, and stages for the CPU come from the checkpoint.
 * @param folder as `readBundle` describes it
 * @throws BundleError `bundle-shards-checkpoint` for a checkpoint with another number of layers; SmolvlmError
 *   `bundle-disk-space`; the signal's reason when aborted
 */
export function prepareShardBundle(
  folder: Bundle,
  checkpoint: Checkpoint,
  bundleDir: string,
  options: ShardBundleOptions,
  control: BuildControl = {},
): Promise<BundleManifest> {
  return namingFullDisk(bundleDir, () => buildShardBundle(folder, checkpoint, bundleDir, options, control));
}

async function buildShardBundle(
  folder: Bundle,
  checkpoint: Checkpoint,
  bundleDir: string,
  options: ShardBundleOptions,
  control: BuildControl,
): Promise<BundleManifest> {
  const { visionPrecision } = options;
  const shards = stagesOf(folder, checkpoint);
  const copiedBytes =
    options.shards === 'link' ? 0 : shards.reduce((sum, { file }) => sum + file.sizeBytes, 0);
  const madeBytes = cpuBundleBytes(checkpoint, visionPrecision, options.decoder?.precision);
  await checkDiskSpace(bundleDir, copiedBytes + madeBytes);
  const cpuPlans = visionStages(checkpoint.config.vision.layers, 'half-layer');
  const others = hostParts + cpuPlans.length + countOptionalParts(options);
  const key = await shardBundleKey(folder, checkpoint, options);
  const build = await openBuild(checkpoint, bundleDir, key, { stages: shards.length, others }, control);
  for (const stage of shards) {
    await build.stage(stage.name, async (dir) => {
      await putShard(resolve(folder.dir, stage.file.path), join(dir, stage.file.path), options.shards);
      return { files: [stage.file], entry: stage };
    });
  }
  const host = await buildHost(build);
  const cpuStages = await buildCpuStages(build, cpuPlans, visionPrecision, 'cpu_');
  const optional = await buildOptionalParts(build, options);
  return finishBundle(build, { ...folder.manifest, stages: shards, cpuStages, ...host, ...optional });
}

/** Covers everything the bundle's files depend on. */
export async function shardBundleKey(
  { manifest }: Bundle,
  checkpoint: Checkpoint,
  options: ShardBundleOptions,
): Promise<string> {
  return JSON.stringify([
    'shards',
    manifest.model.sha256,
    options.shards,
    await cpuBundleKey(checkpoint, options),
  ]);
}

/** The folder's stages, with the shapes of the checkpoint's vision tower. */
function stagesOf({ dir, manifest }: Bundle, { config, id }: Checkpoint): readonly BundleStage[] {
  const { layers, tokens, hidden } = visionGraphShape(config);
  if (manifest.stages.length !== 2 * layers) {
    throw new BundleError(
      'bundle-shards-checkpoint',
      `${dir} has shards of ${manifest.stages.length / 2} layers, the vision tower of ${id} has ${layers}`,
      { hint: 'Give the checkpoint that the shards were made from.' },
    );
  }
  const shaped = (tensor: TensorSpec): TensorSpec => ({ ...tensor, shape: [1, tokens, hidden] });
  return manifest.stages.map((stage) => ({
    ...stage,
    input: shaped(stage.input),
    output: shaped(stage.output),
  }));
}

async function putShard(from: string, to: string, how: ShardBundleOptions['shards']): Promise<void> {
  await rm(to, { force: true });
  await (how === 'link' ? symlink(from, to) : copyFile(from, to));
}
