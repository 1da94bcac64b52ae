import { join } from 'node:path';
import type {
  BundleConversion,
  BundleDecoder,
  BundleManifest,
  VisionGranularity,
} from '../../model/bundle/bundle-manifest';
import type { Checkpoint } from '../../model/checkpoint/checkpoint';
import { type VisionStagePlan, visionStages } from '../../onnx/vision/vision-stages';
import type { NpuTarget } from '../../protocol/models/conversion-choices';
import { defined } from '../../system/defined';
import {
  type Build,
  type BuildControl,
  buildDecoder,
  buildHost,
  type DecoderBuild,
  finishBundle,
  hostParts,
  openBuild,
} from '../bundle/bundle-build';
import { buildCpuStages } from '../bundle/cpu-bundle';
import { checkDiskSpace, namingFullDisk, npuBundleBytes } from '../bundle/disk-space';
import { targetNpuCores } from '../bundle/npu-target';
import { ToolkitPool } from '../toolkit/toolkit-pool';
import type { Toolkit } from '../toolkit/toolkit-worker';
import { copyReference } from './bundle-reference';
import type { CalibrationFrames } from './calibration-frames';
import type { NpuPrecision, NpuTower } from './npu-stage-build';
import type { CosineBounds, NpuStageEntry } from './npu-stage-part';
import { convertNpuStages, type StageBuildOptions } from './npu-stages';
import { npuTower } from './npu-tower';
import { ReferenceActivations, ValidationReference, validationName } from './reference-activations';
import { exportRkllm } from './rkllm-export';

/** Raised whenever the same checkpoint, frames and options produce different files. */
const npuBuilderVersion = 6;

export interface NpuBundleOptions {
  readonly target: NpuTarget;
  readonly precision: BundleConversion['precision'];
  /** For `hybrid`: both halves of these layers are INT8. */
  readonly int8Layers: readonly number[];
  readonly granularity: VisionGranularity;
  /** Query rows per attention chunk. */
  readonly queryRows: number;
  readonly residualScale: number;
  readonly bounds: CosineBounds;
  readonly frames: CalibrationFrames;
  readonly decoder: DecoderBuild;
  /** Adds the tower for the CPU (INT8), for when the NPU cannot be used. */
  readonly cpuStages: boolean;
  readonly toolkit: Toolkit;
  /** Default: as many as cores and memory allow. */
  readonly workers?: number;
  /** An interpreter that may have the vendor's rkllm-toolkit, for an NPU decoder beside the CPU's. */
  readonly rkllmPython?: string;
}

/** The result of a conversion. */
export interface NpuBundle {
  readonly manifest: BundleManifest;
  readonly entries: readonly NpuStageEntry[];
}

/**
 * Makes a bundle for an NPU with rknn-toolkit2: every stage is built, simulated and compared with the output of the
 * float32 CPU pipeline for a real frame. Parts that were finished before an interruption are kept and used; the folder
 * appears when it is complete.
 * @throws SmolvlmError `convert-bound`, `bundle-disk-space`, `toolkit-failed`, `toolkit-worker-lost`,
 *   `toolkit-version`; the signal's reason when aborted
 */
export function prepareNpuBundle(
  checkpoint: Checkpoint,
  bundleDir: string,
  options: NpuBundleOptions,
  control: BuildControl = {},
): Promise<NpuBundle> {
  return namingFullDisk(bundleDir, () => buildNpuBundle(checkpoint, bundleDir, options, control));
}

async function buildNpuBundle(
  checkpoint: Checkpoint,
  bundleDir: string,
  options: NpuBundleOptions,
  control: BuildControl,
): Promise<NpuBundle> {
  const { target, precision, granularity, queryRows, residualScale, frames } = options;
  const plans = visionStages(checkpoint.config.vision.layers, granularity);
  await checkDiskSpace(bundleDir, npuBundleBytes(checkpoint, options));
  const cpuPlans = options.cpuStages ? visionStages(checkpoint.config.vision.layers, 'half-layer') : [];
  const others = hostParts + cpuPlans.length + (options.rkllmPython === undefined ? 2 : 3);
  const key = await npuBundleKey(checkpoint, options);
  const build = await openBuild(checkpoint, bundleDir, key, { stages: plans.length, others }, control);
  const host = await buildHost(build);
  const activations = await ReferenceActivations.capture(
    checkpoint,
    frames,
    join(await build.folder.workDir(), 'reference'),
    {
      residualScale,
      calibrate: precision !== 'fp16',
      onFrame: (frame, count) => build.during(`frame ${frame} of ${count} through the float32 tower`),
      ...build.control,
    },
  );
  const tower = await npuTower(checkpoint, activations, { target, queryRows, residualScale });
  const entries = await buildStages(build, plans, tower, activations, options);
  const cpuStages = await buildCpuStages(build, cpuPlans, 'int8', 'cpu_');
  const decoder = await buildDecoder(build, options.decoder);
  const npuDecoder = await buildNpuDecoder(build, options);
  const validation = await build.part('validation', (dir) => copyReference(dir, activations));
  const manifest = await finishBundle(build, {
    target,
    toolkitVersion: options.toolkit.version,
    conversion: {
      granularity,
      queryRows,
      precision,
      calibrationFrames: precision === 'fp16' ? 0 : frames.calibration.length,
      framesSha256: frames.sha256,
    },
    residualScale,
    stages: entries.map(({ stage }) => stage),
    ...defined({ cpuStages: cpuStages.length > 0 ? cpuStages : undefined }),
    ...host,
    decoder,
    ...defined({ npuDecoder }),
    validation,
  });
  return { manifest, entries };
}

async function buildStages(
  build: Build,
  plans: readonly VisionStagePlan[],
  tower: NpuTower,
  activations: ReferenceActivations,
  options: NpuBundleOptions,
): Promise<readonly NpuStageEntry[]> {
  const reference = await ValidationReference.open(join(activations.dir, validationName));
  const cores = targetNpuCores[options.target];
  const coreOf = ({ halves }: VisionStagePlan): number => (halves[0]?.layer ?? 0) % cores;
  const logFile = join(await build.folder.workDir(), 'toolkit.log');
  const stageOptions: StageBuildOptions = {
    tower,
    reference,
    bounds: options.bounds,
    openWorkers: () => new ToolkitPool({ toolkit: options.toolkit, logFile }, options.workers),
    precisions: (plan) => precisionsOf(plan, options),
    // A single stage for the whole tower has no core: its tiles are distributed over all of them.
    ...defined({ coreOf: options.granularity === 'tower' ? undefined : coreOf }),
  };
  try {
    return await convertNpuStages(build, plans, stageOptions);
  } finally {
    await reference.close();
  }
}

/** @returns undefined if no interpreter has the vendor's toolkit */
async function buildNpuDecoder(
  build: Build,
  { rkllmPython, target }: NpuBundleOptions,
): Promise<BundleDecoder | undefined> {
  if (rkllmPython === undefined) return undefined;
  const logFile = join(await build.folder.workDir(), 'rkllm.log');
  return build.part('npu_decoder', async (dir) => {
    const options = { python: rkllmPython, target, logFile, ...build.control };
    return (await exportRkllm(build.checkpoint.dir, dir, options)) ?? { files: [], entry: undefined };
  });
}

function precisionsOf(
  { halves }: VisionStagePlan,
  { precision, int8Layers }: NpuBundleOptions,
): readonly NpuPrecision[] {
  if (precision === 'auto') return ['int8', 'fp16'];
  const named = halves.every(({ layer }) => int8Layers.includes(layer));
  return precision === 'hybrid' && named ? ['int8'] : ['fp16'];
}

/** Covers everything the bundle's files depend on. */
export async function npuBundleKey(checkpoint: Checkpoint, options: NpuBundleOptions): Promise<string> {
  const { target, precision, int8Layers, granularity, queryRows, residualScale, bounds, frames } = options;
  return JSON.stringify([
    npuBuilderVersion,
    options.toolkit.version,
    await checkpoint.sha256(),
    frames.sha256,
    [
      target,
      precision,
      int8Layers,
      granularity,
      queryRows,
      residualScale,
      bounds,
      options.decoder.precision,
      options.cpuStages,
      options.rkllmPython !== undefined,
    ],
  ]);
}
