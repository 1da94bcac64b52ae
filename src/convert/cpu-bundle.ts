import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  BundleDecoder,
  BundleFile,
  BundleManifest,
  BundleStage,
  Precision,
} from '../model/bundle-manifest';
import { type Checkpoint, configFiles } from '../model/checkpoint';
import { hostTensors } from '../model/host-tensors';
import { imageTokensPerTile, type ModelConfig, patchesPerTile } from '../model/model-config';
import type { CpuPrecision } from '../onnx/cpu-linear';
import type { VisionGraphShape } from '../onnx/cpu-vision-stage';
import { type VisionGranularity, visionStages } from '../onnx/vision-stages';
import { BundleFolder, type BundlePart } from './bundle-folder';
import { writeCpuProjection, writeCpuVisionStage } from './cpu-vision-files';
import { checkDiskSpace, cpuBundleBytes } from './disk-space';
import { writeHostTensors } from './host-tensors-file';

/** Raised whenever the same checkpoint and options give other files than before. */
const cpuBuilderVersion = 3;

/** Writes the decoder's files into a bundle's folder. */
export type DecoderWriter = (
  dir: string,
  checkpoint: Checkpoint,
  precision: Precision,
  control: { readonly signal?: AbortSignal },
) => Promise<BundlePart<BundleDecoder>>;

export interface CpuBundleOptions {
  readonly visionPrecision: CpuPrecision;
  /** Left out: a bundle of the vision side alone. */
  readonly decoder?: { readonly precision: Precision; readonly write: DecoderWriter };
  /** Default: half a layer a stage. */
  readonly granularity?: VisionGranularity;
}

export interface BuildProgress {
  /** The one just finished: a stage's name, `host` or `decoder`. */
  readonly part: string;
  readonly done: number;
  readonly total: number;
}

export interface BuildControl {
  readonly onProgress?: (progress: BuildProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Makes a bundle for onnxruntime on a CPU straight from a checkpoint's tensors. What was finished before an
 * interruption is kept and found again; the folder appears when it is whole.
 * @throws SmolvlmError `bundle-disk-space`; the signal's reason when aborted
 */
export async function prepareCpuBundle(
  checkpoint: Checkpoint,
  bundleDir: string,
  options: CpuBundleOptions,
  { onProgress, signal }: BuildControl = {},
): Promise<BundleManifest> {
  const { visionPrecision, decoder: decoderBuild } = options;
  await checkDiskSpace(bundleDir, cpuBundleBytes(checkpoint, visionPrecision, decoderBuild?.precision));
  const folder = await BundleFolder.open(bundleDir, await cpuBundleKey(checkpoint, options));
  const total = visionPlans(checkpoint, options).length + (options.decoder ? 4 : 3);
  let done = 0;
  const build: Build = {
    checkpoint,
    control: signal ? { signal } : {},
    part: async (name, make) => {
      signal?.throwIfAborted();
      const entry = await folder.part(name, make);
      onProgress?.({ part: name, done: ++done, total });
      return entry;
    },
  };
  const host = await build.part('host', (dir) => writeHostTensors(dir, checkpoint.tensors, signal));
  const hostGraphs = await buildHostGraphs(build);
  const stages = await buildStages(build, options);
  const decoder = decoderBuild && (await buildDecoder(build, decoderBuild));
  const manifest: BundleManifest = {
    schemaVersion: 1,
    model: { id: checkpoint.id, sha256: await checkpoint.sha256() },
    target: 'cpu',
    residualScale: 1,
    stages,
    hostGraphs,
    host,
    ...(decoder && { decoder }),
    configs: await copyConfigs(checkpoint.dir, folder),
    created: new Date().toISOString(),
  };
  await folder.finish(manifest);
  return manifest;
}

/** A bundle under way. */
interface Build {
  readonly checkpoint: Checkpoint;
  readonly control: { readonly signal?: AbortSignal };
  /** Makes a part or finds it made, and reports it. */
  part<T>(name: string, make: (dir: string) => Promise<BundlePart<T>>): Promise<T>;
}

async function buildHostGraphs({ checkpoint, control, part }: Build) {
  const { config, tensors } = checkpoint;
  const projection = (name: string, tensor: string, rows: number, bias: boolean): Promise<BundleStage> =>
    part(name, (dir) => writeCpuProjection(dir, name, tensor, rows, tensors, { bias, ...control }));
  const { patchProjection, connectorProjection } = hostTensors;
  return {
    patchProjection: await projection('patch_projection', patchProjection, patchesPerTile(config), true),
    connectorProjection: await projection(
      'connector_projection',
      connectorProjection,
      imageTokensPerTile(config),
      false,
    ),
  };
}

async function buildStages(
  { checkpoint, control, part }: Build,
  options: CpuBundleOptions,
): Promise<readonly BundleStage[]> {
  const { config, tensors } = checkpoint;
  const shape = visionGraphShape(config);
  const stages: BundleStage[] = [];
  for (const plan of visionPlans(checkpoint, options)) {
    const make = (dir: string) =>
      writeCpuVisionStage(dir, plan, shape, tensors, options.visionPrecision, control);
    stages.push(await part(plan.name, make));
  }
  return stages;
}

function buildDecoder(
  { checkpoint, control, part }: Build,
  { precision, write }: NonNullable<CpuBundleOptions['decoder']>,
): Promise<BundleDecoder> {
  return part('decoder', (dir) => write(dir, checkpoint, precision, control));
}

function visionPlans({ config }: Checkpoint, { granularity = 'half-layer' }: CpuBundleOptions) {
  return visionStages(config.vision.layers, granularity);
}

/** Everything the bundle's files depend on: another key, other files. */
export async function cpuBundleKey(checkpoint: Checkpoint, options: CpuBundleOptions): Promise<string> {
  const { visionPrecision, decoder, granularity = 'half-layer' } = options;
  const sha256 = await checkpoint.sha256();
  return JSON.stringify([
    cpuBuilderVersion,
    sha256,
    visionPrecision,
    decoder?.precision ?? 'no decoder',
    granularity,
  ]);
}

/** What the graphs need of a checkpoint's configuration. */
export function visionGraphShape(config: ModelConfig): VisionGraphShape {
  const { hiddenSize, heads, layers, layerNormEps, hiddenAct } = config.vision;
  return { tokens: patchesPerTile(config), hidden: hiddenSize, heads, layers, layerNormEps, hiddenAct };
}

async function copyConfigs(from: string, folder: BundleFolder): Promise<readonly BundleFile[]> {
  const copied: BundleFile[] = [];
  for (const name of configFiles) {
    const data = await readFile(join(from, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (data) copied.push(await folder.writeFile(name, data));
  }
  return copied;
}
