import type { BundleManifest, BundleStage, VisionGranularity } from '../../model/bundle/bundle-manifest';
import type { Checkpoint } from '../../model/checkpoint/checkpoint';
import type { LinearPrecision } from '../../onnx/cpu-linear';
import { equalisedVision } from '../../onnx/vision/equalised-vision';
import { type VisionStagePlan, visionStages } from '../../onnx/vision/vision-stages';
import {
  type Build,
  type BuildControl,
  buildHost,
  buildOptionalParts,
  countOptionalParts,
  finishBundle,
  hostParts,
  type OptionalParts,
  openBuild,
  visionGraphShape,
} from './bundle-build';
import { writeCpuVisionStage } from './cpu-vision-files';
import { checkDiskSpace, cpuBundleBytes, namingFullDisk } from './disk-space';

/** Raised whenever the same checkpoint and options produce different files. */
export const cpuBuilderVersion = 17;

export interface CpuBundleOptions extends OptionalParts {
  readonly visionPrecision: LinearPrecision;
  /** Default: half a layer per stage. */
  readonly granularity?: VisionGranularity;
}

/**
 * Makes a bundle for onnxruntime on a CPU directly from a checkpoint's tensors. Parts that were finished before an
 * interruption are kept and used; the folder appears when it is complete.
 * @throws SmolvlmError `bundle-disk-space`; the signal's reason when aborted
 */
export function prepareCpuBundle(
  checkpoint: Checkpoint,
  bundleDir: string,
  options: CpuBundleOptions,
  control: BuildControl = {},
): Promise<BundleManifest> {
  return namingFullDisk(bundleDir, () => buildCpuBundle(checkpoint, bundleDir, options, control));
}

async function buildCpuBundle(
  checkpoint: Checkpoint,
  bundleDir: string,
  options: CpuBundleOptions,
  control: BuildControl,
): Promise<BundleManifest> {
  const { visionPrecision } = options;
  await checkDiskSpace(bundleDir, cpuBundleBytes(checkpoint, visionPrecision, options.decoder?.precision));
  const plans = visionPlans(checkpoint, options);
  const others = hostParts + countOptionalParts(options);
  const key = await cpuBundleKey(checkpoint, options);
  const build = await openBuild(checkpoint, bundleDir, key, { stages: plans.length, others }, control);
  const host = await buildHost(build);
  const stages = await buildCpuStages(build, plans, visionPrecision);
  const optional = await buildOptionalParts(build, options);
  return finishBundle(build, { target: 'cpu', residualScale: 1, stages, ...host, ...optional });
}

/** The vision tower for onnxruntime, at scale 1. @param prefix of the parts' names if the bundle has other stages as well */
export async function buildCpuStages(
  { checkpoint, control, part, stage }: Build,
  plans: readonly VisionStagePlan[],
  precision: LinearPrecision,
  prefix = '',
): Promise<readonly BundleStage[]> {
  const write = prefix === '' ? stage : part;
  const { config, tensors } = checkpoint;
  const shape = visionGraphShape(config);
  const source = precision === 'float32' ? tensors : await equalisedVision(tensors, config.vision.layers);
  const stages: BundleStage[] = [];
  for (const plan of plans) {
    const make = (dir: string) => writeCpuVisionStage(dir, plan, shape, source, precision, control);
    stages.push(await write(`${prefix}${plan.name}`, make));
  }
  return stages;
}

function visionPlans({ config }: Checkpoint, { granularity = 'half-layer' }: CpuBundleOptions) {
  return visionStages(config.vision.layers, granularity);
}

/** Covers everything the bundle's files depend on. */
export async function cpuBundleKey(checkpoint: Checkpoint, options: CpuBundleOptions): Promise<string> {
  const { visionPrecision, decoder, granularity = 'half-layer', reference } = options;
  const sha256 = await checkpoint.sha256();
  return JSON.stringify([
    cpuBuilderVersion,
    sha256,
    visionPrecision,
    decoder?.precision ?? 'no decoder',
    granularity,
    ...(reference ? [reference.framesSha256] : []),
  ]);
}
