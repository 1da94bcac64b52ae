import { access } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isJsonObject, readJsonObject, shown } from '../../system/json/json-fields';
import { CheckpointError } from '../safetensors/checkpoint-error';

export const singleWeightFile = 'model.safetensors';
export const weightIndexFile = 'model.safetensors.index.json';

/** The files of a checkpoint's tensors. */
export interface WeightFiles {
  /** Names in the folder, sorted. */
  readonly files: readonly string[];
  /** The file of each tensor, from an index; absent for a single file. */
  readonly fileOf?: ReadonlyMap<string, string>;
}

/** @throws CheckpointError when the folder has neither `model.safetensors` nor a valid index of such files */
export async function findWeightFiles(dir: string): Promise<WeightFiles> {
  if (await exists(join(dir, singleWeightFile))) return { files: [singleWeightFile] };
  const fault = (message: string): CheckpointError =>
    new CheckpointError('checkpoint-index', `${join(dir, weightIndexFile)}: ${message}`);
  const index = await readJsonObject(join(dir, weightIndexFile), fault);
  if (!index) throw await noWeights(dir);
  const map = index.weight_map;
  if (!isJsonObject(map)) throw fault(`weight_map: expected an object, received ${shown(map)}`);
  const fileOf = new Map<string, string>();
  for (const [tensor, file] of Object.entries(map)) {
    // An index may refer only to files in its folder.
    if (typeof file !== 'string' || basename(file) !== file || !file.endsWith('.safetensors')) {
      throw fault(`weight_map.${tensor}: expected the name of a .safetensors file, received ${shown(file)}`);
    }
    fileOf.set(tensor, file);
  }
  const files = [...new Set(fileOf.values())].sort();
  for (const file of files) {
    if (await exists(join(dir, file))) continue;
    throw new CheckpointError('checkpoint-file', `${dir}: ${file}, named in ${weightIndexFile}, is missing`, {
      hint: 'Pull the checkpoint again: smolvlm pull ORG/NAME.',
    });
  }
  return { files, fileOf };
}

async function noWeights(dir: string): Promise<CheckpointError> {
  const pickled = await exists(join(dir, 'pytorch_model.bin'));
  return new CheckpointError('checkpoint-weights-missing', `${dir}: there is no ${singleWeightFile}`, {
    hint: pickled
      ? 'pytorch_model.bin is not read: save the model with safe_serialization=True.'
      : 'Give a checkpoint folder, or pull one: smolvlm pull ORG/NAME.',
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
