import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  BundleDecoder,
  BundleFile,
  BundleManifest,
  BundleStage,
  Precision,
} from '../../model/bundle/bundle-manifest';
import { hostTensors } from '../../model/bundle/host-tensors';
import { type Checkpoint, configFiles } from '../../model/checkpoint/checkpoint';
import { imageTokensPerTile, type ModelConfig, patchesPerTile } from '../../model/checkpoint/model-config';
import type { VisionGraphShape } from '../../onnx/vision/cpu-vision-stage';
import { defined } from '../../system/defined';
import { BuildClock, type BuildProgress, type PartCounts } from './build-progress';
import { BundleFolder, type BundlePart } from './bundle-folder';
import { writeCpuProjection } from './cpu-vision-files';
import { writeHostTensors } from './host-tensors-file';

/** Writes the decoder's files into a bundle's folder. */
export type DecoderWriter = (
  dir: string,
  checkpoint: Checkpoint,
  precision: Precision,
  control: { readonly signal?: AbortSignal },
) => Promise<BundlePart<BundleDecoder>>;

/** How to write a decoder. */
export interface DecoderBuild {
  readonly precision: Precision;
  readonly write: DecoderWriter;
}

export interface BuildControl {
  readonly onProgress?: (progress: BuildProgress) => void;
  readonly signal?: AbortSignal;
}

/** A bundle being made. */
export interface Build {
  readonly checkpoint: Checkpoint;
  readonly folder: BundleFolder;
  readonly control: { readonly signal?: AbortSignal };
  /** Makes a part, or finds it from an earlier run, and reports it. */
  part<T>(name: string, make: (dir: string) => Promise<BundlePart<T>>): Promise<T>;
  /** Like `part`, for one of the bundle's stages. */
  stage<T>(name: string, make: (dir: string) => Promise<BundlePart<T>>): Promise<T>;
  /** Reports a step between the parts. */
  during(step: string): void;
  /** Removes parts, so that they are made again. */
  drop(names: readonly string[]): Promise<void>;
}

/**
 * Continues an interrupted bundle, or starts a new one.
 * @param key everything the files depend on @param counts parts to make
 */
export async function openBuild(
  checkpoint: Checkpoint,
  bundleDir: string,
  key: string,
  counts: PartCounts,
  { onProgress, signal }: BuildControl,
): Promise<Build> {
  const folder = await BundleFolder.open(bundleDir, key);
  const clock = new BuildClock(counts);
  const part =
    (kind: keyof PartCounts): Build['part'] =>
    async (name, make) => {
      signal?.throwIfAborted();
      let made = false;
      const entry = await folder.part(name, async (dir) => {
        const written = await make(dir);
        made = true;
        return written;
      });
      onProgress?.(clock.finished(name, kind, made));
      return entry;
    };
  return {
    checkpoint,
    folder,
    control: signal ? { signal } : {},
    part: part('others'),
    stage: part('stages'),
    during: (step) => onProgress?.(clock.during(step)),
    drop: async (names) => {
      clock.undone(names);
      await folder.drop(names);
    },
  };
}

/** Parts that `buildHost` makes. */
export const hostParts = 3;

/** The host's tensors and its two matrix products, part of every bundle. */
export async function buildHost(
  build: Build,
): Promise<Pick<BundleManifest, 'hostGraphs'> & { readonly host: BundleFile }> {
  const { checkpoint, control, part } = build;
  const host = await part('host', (dir) => writeHostTensors(dir, checkpoint.tensors, control.signal));
  return { hostGraphs: await buildHostGraphs(build), host };
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

/** The decoder's part. */
export function buildDecoder(
  { checkpoint, control, part }: Build,
  { precision, write }: DecoderBuild,
): Promise<BundleDecoder> {
  return part('decoder', (dir) => write(dir, checkpoint, precision, control));
}

/** The part of a checkpoint's configuration that the graphs need. */
export function visionGraphShape(config: ModelConfig): VisionGraphShape {
  const { hiddenSize, heads, layers, layerNormEps, hiddenAct } = config.vision;
  return { tokens: patchesPerTile(config), hidden: hiddenSize, heads, layers, layerNormEps, hiddenAct };
}

/** What a bundle may have besides its stages. */
export interface OptionalParts {
  /** Absent: a bundle of the vision side alone. */
  readonly decoder?: DecoderBuild;
  /** Adds a reference for validation to the bundle. */
  readonly reference?: {
    /** Of the frames it is made from. */
    readonly framesSha256: string;
    write(dir: string, workDir: string): Promise<BundlePart<BundleFile>>;
  };
}

export function countOptionalParts({ decoder, reference }: OptionalParts): number {
  return (decoder ? 1 : 0) + (reference ? 1 : 0);
}

/** The decoder's part and the reference's. */
export async function buildOptionalParts(
  build: Build,
  { decoder: decoderBuild, reference }: OptionalParts,
): Promise<Pick<BundleManifest, 'decoder' | 'validation'>> {
  const decoder = decoderBuild && (await buildDecoder(build, decoderBuild));
  const workDir = await build.folder.workDir();
  const validation = reference && (await build.part('validation', (dir) => reference.write(dir, workDir)));
  return defined({ decoder, validation });
}

/** Copies the configs and writes the manifest: the bundle's folder appears. */
export async function finishBundle(
  { checkpoint, folder }: Build,
  parts: Omit<BundleManifest, 'schemaVersion' | 'model' | 'configs' | 'created'>,
): Promise<BundleManifest> {
  const manifest: BundleManifest = {
    ...parts,
    schemaVersion: 1,
    model: { id: checkpoint.id, sha256: await checkpoint.sha256() },
    configs: await copyConfigs(checkpoint.dir, folder),
    created: new Date().toISOString(),
  };
  await folder.finish(manifest);
  return manifest;
}

/** Copies the configs that are needed to run the model. */
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
