import type { BundleFile, BundleManifest, BundleStage } from '../../model/bundle/bundle-manifest';
import type { Checkpoint } from '../../model/checkpoint/checkpoint';
import type { CpuPrecision } from '../../onnx/cpu-linear';
import { type VisionGranularity, type VisionStagePlan, visionStages } from '../../onnx/vision/vision-stages';
import {
  type Build,
  type BuildControl,
  buildDecoder,
  buildHost,
  copyConfigs,
  type DecoderBuild,
  hostParts,
  openBuild,
  visionGraphShape,
} from './bundle-build';
import type { BundlePart } from './bundle-folder';
import { writeCpuVisionStage } from './cpu-vision-files';
import { checkDiskSpace, cpuBundleBytes, namingFullDisk } from './disk-space';

/** Raised whenever the same checkpoint and options give other files than before. */
const cpuBuilderVersion = 3;

export interface CpuBundleOptions {
  readonly visionPrecision: CpuPrecision;
  /** Left out: a bundle of the vision side alone. */
  readonly decoder?: DecoderBuild;
  /** Default: half a layer a stage. */
  readonly granularity?: VisionGranularity;
  /** Puts a reference to validate with into the bundle. */
  readonly reference?: {
    /** Over the frames it is made of. */
    readonly framesSha256: string;
    write(dir: string, workDir: string): Promise<BundlePart<BundleFile>>;
  };
}

/**
 * Makes a bundle for onnxruntime on a CPU straight from a checkpoint's tensors. What was finished before an
 * interruption is kept and found again; the folder appears when it is whole.
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
  const { visionPrecision, decoder: decoderBuild, reference } = options;
  await checkDiskSpace(bundleDir, cpuBundleBytes(checkpoint, visionPrecision, decoderBuild?.precision));
  const plans = visionPlans(checkpoint, options);
  const others = hostParts + (decoderBuild ? 1 : 0) + (reference ? 1 : 0);
  const key = await cpuBundleKey(checkpoint, options);
  const build = await openBuild(checkpoint, bundleDir, key, { stages: plans.length, others }, control);
  const host = await buildHost(build);
  const stages = await buildCpuStages(build, plans, visionPrecision);
  const decoder = decoderBuild && (await buildDecoder(build, decoderBuild));
  const workDir = await build.folder.workDir();
  const validation = reference && (await build.part('validation', (dir) => reference.write(dir, workDir)));
  const manifest: BundleManifest = {
    schemaVersion: 1,
    model: { id: checkpoint.id, sha256: await checkpoint.sha256() },
    target: 'cpu',
    residualScale: 1,
    stages,
    ...host,
    ...(decoder && { decoder }),
    configs: await copyConfigs(checkpoint.dir, build.folder),
    ...(validation && { validation }),
    created: new Date().toISOString(),
  };
  await build.folder.finish(manifest);
  return manifest;
}

/** The vision tower for onnxruntime, at scale 1. @param prefix of the parts' names where the bundle's stages are others */
export async function buildCpuStages(
  { checkpoint, control, part, stage }: Build,
  plans: readonly VisionStagePlan[],
  precision: CpuPrecision,
  prefix = '',
): Promise<readonly BundleStage[]> {
  const write = prefix === '' ? stage : part;
  const { config, tensors } = checkpoint;
  const shape = visionGraphShape(config);
  const stages: BundleStage[] = [];
  for (const plan of plans) {
    const make = (dir: string) => writeCpuVisionStage(dir, plan, shape, tensors, precision, control);
    stages.push(await write(`${prefix}${plan.name}`, make));
  }
  return stages;
}

function visionPlans({ config }: Checkpoint, { granularity = 'half-layer' }: CpuBundleOptions) {
  return visionStages(config.vision.layers, granularity);
}

/** Everything the bundle's files depend on: another key, other files. */
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
