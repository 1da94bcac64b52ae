import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OnnxVisionBackend } from '../../src/backends/onnxruntime/onnx-vision-backend';
import { visionGraphShape } from '../../src/convert/bundle/bundle-build';
import { writeCpuProjection, writeCpuVisionStage } from '../../src/convert/bundle/cpu-vision-files';
import type { BundleStage, VisionGranularity } from '../../src/model/bundle/bundle-manifest';
import { hostTensors } from '../../src/model/bundle/host-tensors';
import { readModelConfigs } from '../../src/model/checkpoint/checkpoint';
import { imageTokensPerTile, patchesPerTile } from '../../src/model/checkpoint/model-config';
import type { LinearPrecision } from '../../src/onnx/cpu-linear';
import type { VisionGraphShape } from '../../src/onnx/vision/cpu-vision-stage';
import { visionStages } from '../../src/onnx/vision/vision-stages';
import { assembleVisionTower } from '../../src/vision/open-vision-tower';
import type { TileEncoder } from '../../src/vision/vision-tower';
import { fixture } from '../fixtures';
import { goldenTensors } from '../model/safetensors/safetensors-fixture';

/** Checkpoints with activations of the reference. */
type GoldenCheckpoint = 'tiny-idefics3' | 'odd-patches';

export interface TinyTowerOptions {
  readonly checkpoint?: GoldenCheckpoint;
  readonly precision?: LinearPrecision;
  readonly granularity?: VisionGranularity;
  /** Builds the graphs with other constants than the checkpoint's. */
  readonly shape?: Partial<VisionGraphShape>;
  readonly hostGraphs?: boolean;
}

export interface OpenTinyTower {
  readonly tower: TileEncoder;
  close(): Promise<void>;
}

/** Writes a golden checkpoint's stages into a temporary folder and opens them in onnxruntime. */
export async function openTinyTower(options: TinyTowerOptions = {}): Promise<OpenTinyTower> {
  const { checkpoint = 'tiny-idefics3' } = options;
  const checkpointDir = fixture('goldens', checkpoint);
  const source = goldenTensors(checkpoint, 'model');
  const dir = await mkdtemp(join(tmpdir(), 'smolvlm-tower-'));
  const { config } = await readModelConfigs(checkpointDir);
  const shape = { ...visionGraphShape(config), ...options.shape };
  const stages: BundleStage[] = [];
  for (const plan of visionStages(shape.layers, options.granularity ?? 'half-layer')) {
    const precision = options.precision ?? 'float32';
    stages.push((await writeCpuVisionStage(dir, plan, shape, source, precision)).entry);
  }
  const projection = async (name: string, rows: number, bias: boolean) =>
    (await writeCpuProjection(dir, name.replaceAll('.', '_'), name, rows, source, { bias })).entry;
  const hostGraphs = options.hostGraphs !== false && {
    patchProjection: await projection(hostTensors.patchProjection, patchesPerTile(config), true),
    connectorProjection: await projection(hostTensors.connectorProjection, imageTokensPerTile(config), false),
  };
  const manifest = { target: 'cpu' as const, residualScale: 1, stages, ...(hostGraphs && { hostGraphs }) };
  const backend = await OnnxVisionBackend.load({ threads: 2 });
  const tower = await assembleVisionTower({ dir, manifest }, source, config, backend);
  return {
    tower,
    close: async () => {
      await tower.close();
      await backend.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Stored activations; of `tiny-idefics3` for the golden photo's first and global tile. */
export function goldenActivations(checkpoint: GoldenCheckpoint = 'tiny-idefics3') {
  const tensors = goldenTensors(checkpoint, 'activations');
  return {
    /** Tile `index` of a stored activation. */
    tile: async (name: string, index: number): Promise<Float32Array> => {
      const values = await tensors.read(name);
      const [tiles = 1] = tensors.shape(name);
      const length = values.length / tiles;
      return values.subarray(index * length, (index + 1) * length);
    },
  };
}
