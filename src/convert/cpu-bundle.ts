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
import { writeHostTensors } from './host-tensors-file';

/** Raised whenever the same checkpoint and options give other files than before. */
const cpuBuilderVersion = 1;

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
 * @throws the signal's reason when aborted
 */
export async function prepareCpuBundle(
  checkpoint: Checkpoint,
  bundleDir: string,
  options: CpuBundleOptions,
  { onProgress, signal }: BuildControl = {},
): Promise<BundleManifest> {
  const { config, tensors } = checkpoint;
  const sha256 = await checkpoint.sha256();
  const folder = await BundleFolder.open(bundleDir, await cpuBundleKey(checkpoint, options));
  const shape = visionGraphShape(config);
  const plans = visionStages(shape.layers, options.granularity ?? 'half-layer');
  const total = plans.length + (options.decoder ? 4 : 3);
  let done = 0;
  const part = async <T>(name: string, make: (dir: string) => Promise<BundlePart<T>>): Promise<T> => {
    signal?.throwIfAborted();
    const entry = await folder.part(name, make);
    onProgress?.({ part: name, done: ++done, total });
    return entry;
  };
  const control = signal ? { signal } : {};

  const host = await part('host', (dir) => writeHostTensors(dir, tensors, signal));
  const patchProjection = await part('patch_projection', (dir) =>
    writeCpuProjection(dir, 'patch_projection', hostTensors.patchProjection, shape.tokens, tensors, {
      bias: true,
      ...control,
    }),
  );
  const stages: BundleStage[] = [];
  for (const plan of plans) {
    stages.push(
      await part(plan.name, (dir) =>
        writeCpuVisionStage(dir, plan, shape, tensors, options.visionPrecision, control),
      ),
    );
  }
  const connectorProjection = await part('connector_projection', (dir) =>
    writeCpuProjection(
      dir,
      'connector_projection',
      hostTensors.connectorProjection,
      imageTokensPerTile(config),
      tensors,
      { bias: false, ...control },
    ),
  );
  const { decoder: asked } = options;
  const decoder =
    asked && (await part('decoder', (dir) => asked.write(dir, checkpoint, asked.precision, control)));
  const manifest: BundleManifest = {
    schemaVersion: 1,
    model: { id: checkpoint.id, sha256 },
    target: 'cpu',
    residualScale: 1,
    stages,
    hostGraphs: { patchProjection, connectorProjection },
    host,
    ...(decoder && { decoder }),
    configs: await copyConfigs(checkpoint.dir, folder),
    created: new Date().toISOString(),
  };
  await folder.finish(manifest);
  return manifest;
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
