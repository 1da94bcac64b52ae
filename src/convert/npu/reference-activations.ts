import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OnnxVisionBackend } from '../../backends/onnxruntime/onnx-vision-backend';
import { decodePicture } from '../../image/decode-picture';
import { pixelValues } from '../../image/pixel-values';
import { prepareTiles } from '../../image/tiles';
import type { Checkpoint } from '../../model/checkpoint/checkpoint';
import { imageTokensPerTile, patchesPerTile } from '../../model/checkpoint/model-config';
import { SafetensorsFile } from '../../model/safetensors/safetensors';
import {
  float32Tensor,
  type TensorToWrite,
  writeSafetensors,
} from '../../model/safetensors/safetensors-writer';
import { defined } from '../../system/defined';
import { makeFolder } from '../../system/files/make-folder';
import { openVisionTower } from '../../vision/open-vision-tower';
import type { TileEncoder } from '../../vision/vision-tower';
import { visionGraphShape } from '../bundle/bundle-build';
import { preparedBundle } from '../bundle/prepared-bundle';
import type { CalibrationFrames } from './calibration-frames';
import { npy } from './npy';

/** The reference's file name, in a folder of activations and in a bundle. */
export const validationName = 'validation.safetensors';

export interface CaptureOptions {
  /** Residual streams are multiplied by this, like the stages' inputs. */
  readonly residualScale: number;
  /** Write the stages' inputs for INT8 calibration as well as the reference. */
  readonly calibrate: boolean;
  readonly signal?: AbortSignal;
  /** A frame is started, counted from 1. */
  readonly onFrame?: (frame: number, frames: number) => void;
}

/**
 * The float32 CPU pipeline's activations of frames, one tile each, in a folder: the reference as
 * `validation.safetensors` (`pixel_values`, `embeddings`, `l{i}_attn`, `l{i}_mlp`, `post_layernorm`, `connector`,
 * each one tile and unscaled), and for calibration `{name}.{frame}.npy`, scaled.
 */
export class ReferenceActivations {
  readonly #frames: number;

  private constructor(
    readonly dir: string,
    frames: number,
  ) {
    this.#frames = frames;
  }

  /** Computes them, or finds them from an earlier run. */
  static async capture(
    checkpoint: Checkpoint,
    frames: CalibrationFrames,
    dir: string,
    options: CaptureOptions,
  ): Promise<ReferenceActivations> {
    const { calibrate, signal, onFrame } = options;
    const count = calibrate ? frames.calibration.length : 0;
    const activations = new ReferenceActivations(dir, count);
    if (await isFile(join(dir, validationName))) return activations;
    await makeFolder(dir);
    const backend = await OnnxVisionBackend.load();
    let tower: TileEncoder | undefined;
    try {
      const bundle = await preparedBundle(
        checkpoint.dir,
        { visionPrecision: 'float32' },
        { bundlesDir: join(dir, 'float32'), ...defined({ signal }) },
      );
      tower = await openVisionTower(bundle, backend);
      for (const [index, frame] of frames.calibration.slice(0, count).entries()) {
        onFrame?.(index + 1, count + 1);
        await captureStreams(tower, checkpoint, await tileOf(checkpoint, frame, signal), index, dir, options);
      }
      onFrame?.(count + 1, count + 1);
      await captureReference(
        tower,
        checkpoint,
        await tileOf(checkpoint, frames.validation, signal),
        dir,
        options,
      );
      return activations;
    } finally {
      await tower?.close();
      await backend.close();
    }
  }

  /** .npy files of a residual stream, one per frame. @param name `embeddings` or a half-layer's */
  calibration(name: string): readonly string[] {
    return Array.from({ length: this.#frames }, (_, frame) => npyPath(this.dir, name, frame));
  }
}

/** Reads a reference's tensors on demand. */
export class ValidationReference {
  readonly #file: SafetensorsFile;

  private constructor(file: SafetensorsFile) {
    this.#file = file;
  }

  static async open(path: string): Promise<ValidationReference> {
    return new ValidationReference(await SafetensorsFile.open(path));
  }

  /** @returns the whole tensor, unscaled float32 */
  read(name: string): Promise<Float32Array> {
    return this.#file.read(name);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** One tile: the whole frame at the tower's size. @returns [channels, size, size] float32 */
async function tileOf(
  { imageProcessor }: Checkpoint,
  frame: string,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const picture = await decodePicture(await readFile(frame, signal ? { signal } : {}));
  const [tile] = prepareTiles(picture, imageProcessor, 'low').images;
  if (!tile) throw new RangeError(`${frame} has no tile`);
  return pixelValues(tile, imageProcessor);
}

async function captureStreams(
  tower: TileEncoder,
  { config }: Checkpoint,
  tile: Float32Array,
  frame: number,
  dir: string,
  { residualScale, signal }: CaptureOptions,
): Promise<void> {
  const { tokens, hidden } = visionGraphShape(config);
  const writes: Promise<void>[] = [];
  await tower.encode([tile], {
    ...defined({ signal }),
    activations: (name, _tile, values) => {
      if (name === 'post_layernorm' || name === 'connector') return;
      const scaled = values.map((value) => value * residualScale);
      writes.push(writeFile(npyPath(dir, name, frame), npy(scaled, [1, tokens, hidden])));
    },
  });
  await Promise.all(writes);
}

async function captureReference(
  tower: TileEncoder,
  { config }: Checkpoint,
  tile: Float32Array,
  dir: string,
  { signal }: CaptureOptions,
): Promise<void> {
  const { channels, imageSize } = config.vision;
  const tensors: TensorToWrite[] = [float32Tensor('pixel_values', [1, channels, imageSize, imageSize], tile)];
  await tower.encode([tile], {
    ...defined({ signal }),
    activations: (name, _tile, values) => {
      const rows = name === 'connector' ? imageTokensPerTile(config) : patchesPerTile(config);
      tensors.push(float32Tensor(name, [1, rows, values.length / rows], Float32Array.from(values)));
    },
  });
  await writeSafetensors(join(dir, validationName), tensors);
}

function npyPath(dir: string, name: string, frame: number): string {
  return join(dir, `${name}.${frame}.npy`);
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
