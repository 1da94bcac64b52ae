import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../system/files/make-folder';
import { CheckpointError } from '../safetensors/checkpoint-error';
import { singleWeightFile } from './weight-files';

/** Makes the folder for a checkpoint's files. @throws CheckpointError `checkpoint-out` when weights are in it */
export async function makeNewCheckpointFolder(dir: string): Promise<void> {
  await makeFolder(dir);
  const weights = join(dir, singleWeightFile);
  if (await access(weights).catch(() => true)) return;
  throw new CheckpointError('checkpoint-out', `${weights} would be overwritten`, {
    hint: 'Name another folder with --out, or remove the file.',
  });
}
