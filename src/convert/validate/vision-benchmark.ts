import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OnnxVisionBackend } from '../../backends/onnxruntime/onnx-vision-backend';
import type { BundleManifest, BundleStage, VisionGranularity } from '../../model/bundle/bundle-manifest';
import { hostTensors } from '../../model/bundle/host-tensors';
import type { Checkpoint } from '../../model/checkpoint/checkpoint';
import { imageTokensPerTile } from '../../model/checkpoint/model-config';
import type { LinearPrecision } from '../../onnx/cpu-linear';
import { visionStages } from '../../onnx/vision/vision-stages';
import { assembleVisionTower } from '../../vision/open-vision-tower';
import type { TileEncoder } from '../../vision/vision-tower';
import { visionGraphShape } from '../bundle/bundle-build';
import { writeCpuProjection, writeCpuVisionStage } from '../bundle/cpu-vision-files';

export interface VisionBenchmarkOptions {
  readonly threads: number;
  /** Passes of each variant, interleaved and in changing order, so that all run under the same load; default 9. */
  readonly passes?: number;
  readonly signal?: AbortSignal;
  /** A line about the current step. */
  readonly onProgress?: (line: string) => void;
}

/** One tile through the whole tower with its host arithmetic, milliseconds, the fastest of all passes. */
export interface VisionBenchmark {
  readonly float32MsPerTile: number;
  readonly int8MsPerTile: number;
  /** The int8 tower as one graph. */
  readonly oneGraphMsPerTile: number;
  /** Of these times. */
  readonly ratios: { readonly stagesToOneGraph: number; readonly int8ToFloat32: number };
}

interface Variant {
  readonly precision: LinearPrecision;
  readonly granularity: VisionGranularity;
}

const variants = {
  float32: { precision: 'float32', granularity: 'half-layer' },
  int8: { precision: 'int8', granularity: 'half-layer' },
  oneGraph: { precision: 'int8', granularity: 'tower' },
} as const satisfies Record<string, Variant>;

type VariantName = keyof typeof variants;

/** Builds the vision tower in each variant in a temporary folder and times them against each other. */
export async function benchmarkVision(
  checkpoint: Checkpoint,
  options: VisionBenchmarkOptions,
): Promise<VisionBenchmark> {
  const { threads, passes = 9, signal, onProgress } = options;
  const dir = await mkdtemp(join(tmpdir(), 'smolvlm-bench-'));
  const backend = await OnnxVisionBackend.load({ threads });
  const towers = new Map<VariantName, TileEncoder>();
  const fastest = new Map<VariantName, number>();
  try {
    const names = Object.keys(variants) as VariantName[];
    for (const name of names) {
      signal?.throwIfAborted();
      onProgress?.(`building the vision tower: ${name}`);
      towers.set(name, await buildTower(checkpoint, variants[name], join(dir, name), backend));
    }
    const tile = noiseTile(checkpoint);
    for (let pass = 0; pass < passes; pass++) {
      onProgress?.(`vision pass ${pass + 1}/${passes}`);
      for (const [name, tower] of rotated([...towers], pass)) {
        const started = performance.now();
        await tower.encode([tile], signal ? { signal } : {});
        fastest.set(name, Math.min(fastest.get(name) ?? Infinity, performance.now() - started));
      }
    }
  } finally {
    await backend.close();
    await rm(dir, { recursive: true, force: true });
  }
  const ms = (name: VariantName): number => fastest.get(name) ?? Number.NaN;
  return {
    float32MsPerTile: ms('float32'),
    int8MsPerTile: ms('int8'),
    oneGraphMsPerTile: ms('oneGraph'),
    ratios: {
      stagesToOneGraph: ms('int8') / ms('oneGraph'),
      int8ToFloat32: ms('int8') / ms('float32'),
    },
  };
}

async function buildTower(
  { config, tensors }: Checkpoint,
  { precision, granularity }: Variant,
  dir: string,
  backend: OnnxVisionBackend,
): Promise<TileEncoder> {
  await mkdir(dir);
  const shape = visionGraphShape(config);
  const stages: BundleStage[] = [];
  for (const plan of visionStages(shape.layers, granularity)) {
    stages.push((await writeCpuVisionStage(dir, plan, shape, tensors, precision)).entry);
  }
  const projection = async (
    file: string,
    tensor: string,
    rows: number,
    bias: boolean,
  ): Promise<BundleStage> => (await writeCpuProjection(dir, file, tensor, rows, tensors, { bias })).entry;
  const imageTokens = imageTokensPerTile(config);
  const manifest: Pick<BundleManifest, 'target' | 'stages' | 'hostGraphs' | 'residualScale'> = {
    target: 'cpu',
    residualScale: 1,
    stages,
    hostGraphs: {
      patchProjection: await projection('patches', hostTensors.patchProjection, shape.tokens, true),
      connectorProjection: await projection('connector', hostTensors.connectorProjection, imageTokens, false),
    },
  };
  return assembleVisionTower({ dir, manifest }, tensors, config, backend);
}

/** After the float32 tower the caches are full of its weights: the variant that runs next must not always be the same. */
function rotated<T>(items: readonly T[], by: number): readonly T[] {
  const first = by % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}

/** Repeatable noise in [-1, 1), the range of normalised pixels. */
function noiseTile({ config }: Checkpoint): Float32Array {
  const { channels, imageSize } = config.vision;
  let state = 1;
  return Float32Array.from({ length: channels * imageSize ** 2 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}
