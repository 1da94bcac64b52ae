import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeBundleFile } from '../../model/bundle/bundle-file';
import type { BundleFile } from '../../model/bundle/bundle-manifest';
import type { Checkpoint } from '../../model/checkpoint/checkpoint';
import { defined } from '../../system/defined';
import type { BundlePart } from '../bundle/bundle-folder';
import type { CpuBundleOptions } from '../bundle/cpu-bundle';
import type { CalibrationFrames } from './calibration-frames';
import { ReferenceActivations, validationName } from './reference-activations';

/** Copies captured activations' reference into a bundle. */
export async function copyReference(
  dir: string,
  { dir: from }: ReferenceActivations,
): Promise<BundlePart<BundleFile>> {
  await copyFile(join(from, validationName), join(dir, validationName));
  const file = await describeBundleFile(dir, validationName);
  return { files: [file], entry: file };
}

/** What a CPU bundle needs to include a reference of a frame. */
export function withReference(
  checkpoint: Checkpoint,
  frames: CalibrationFrames,
  signal?: AbortSignal,
): NonNullable<CpuBundleOptions['reference']> {
  return {
    framesSha256: frames.sha256,
    write: async (dir, workDir) => {
      const captured = await ReferenceActivations.capture(checkpoint, frames, join(workDir, 'reference'), {
        residualScale: 1,
        calibrate: false,
        ...defined({ signal }),
      });
      return copyReference(dir, captured);
    },
  };
}
