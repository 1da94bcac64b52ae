import { join } from 'node:path';
import { CheckpointError } from '../safetensors/checkpoint-error';
import { SafetensorsFile } from '../safetensors/safetensors';
import type { TensorEntry } from '../safetensors/safetensors-header';
import type { TensorSource } from '../safetensors/tensor-source';
import type { RequiredTensor } from './required-tensors';
import { findWeightFiles, weightIndexFile } from './weight-files';

/** Number formats of weights. */
const weightDtypes: readonly string[] = ['BF16', 'F16', 'F32'];

interface Place {
  readonly file: SafetensorsFile;
  readonly entry: TensorEntry;
}

/**
 * The name without the prefix that `Idefics3ForConditionalGeneration` adds to the names of `Idefics3Model`:
 * `model.vision_model.…` → `vision_model.…`; `lm_head.weight` has none.
 */
function canonicalName(name: string): string {
  return name.replace(/^model\./, '');
}

/** A checkpoint's tensors by canonical name, from one or several files. */
export class CheckpointTensors implements TensorSource {
  readonly #dir: string;
  readonly #files: readonly SafetensorsFile[];
  readonly #places: ReadonlyMap<string, Place>;

  private constructor(dir: string, files: readonly SafetensorsFile[], places: ReadonlyMap<string, Place>) {
    this.#dir = dir;
    this.#files = files;
    this.#places = places;
  }

  static async open(dir: string): Promise<CheckpointTensors> {
    const { files: names, fileOf } = await findWeightFiles(dir);
    const files: SafetensorsFile[] = [];
    try {
      for (const name of names) files.push(await SafetensorsFile.open(join(dir, name)));
      const places = new Map<string, Place>();
      for (const file of files) addPlaces(places, file);
      for (const [tensor, file] of fileOf ?? []) {
        if (places.get(canonicalName(tensor))?.file.path === join(dir, file)) continue;
        throw new CheckpointError(
          'checkpoint-tensor-missing',
          `${dir}: ${file} does not contain ${tensor}, although ${weightIndexFile} says so`,
        );
      }
      return new CheckpointTensors(dir, files, places);
    } catch (error) {
      for (const file of files) await file.close();
      throw error;
    }
  }

  has(name: string): boolean {
    return this.#places.has(name);
  }

  shape(name: string): readonly number[] {
    return this.place(name).entry.shape;
  }

  async read(name: string): Promise<Float32Array> {
    const { file, entry } = this.place(name);
    return file.read(entry.name);
  }

  async readRows(name: string, begin: number, end: number): Promise<Float32Array> {
    const { file, entry } = this.place(name);
    const rowElements = entry.elements / (entry.shape[0] ?? 1);
    return file.read(entry.name, begin * rowElements, end * rowElements);
  }

  /** A tensor's stored number format and shape. */
  stored(name: string): Pick<TensorEntry, 'dtype' | 'shape'> {
    return this.place(name).entry;
  }

  /** @returns the stored bytes of rows `begin` to `end` (not included) of the outermost axis */
  async readStoredRows(name: string, begin: number, end: number): Promise<Uint8Array> {
    const { file, entry } = this.place(name);
    const rowElements = entry.elements / (entry.shape[0] ?? 1);
    return file.readBytes(entry.name, begin * rowElements, end * rowElements);
  }

  /** @throws CheckpointError naming the first tensor that is missing, misshapen or not a float */
  check(required: readonly RequiredTensor[]): void {
    for (const { name, shape } of required) {
      const { entry } = this.place(name);
      if (!weightDtypes.includes(entry.dtype)) {
        throw this.fault('checkpoint-dtype', name, weightDtypes.join(' or '), entry.dtype);
      }
      if (shape.join() !== entry.shape.join()) {
        throw this.fault(
          'checkpoint-tensor-shape',
          name,
          `[${shape.join(', ')}]`,
          `[${entry.shape.join(', ')}]`,
        );
      }
    }
  }

  async close(): Promise<void> {
    for (const file of this.#files) await file.close();
  }

  private place(name: string): Place {
    const place = this.#places.get(name);
    if (place) return place;
    throw new CheckpointError('checkpoint-tensor-missing', `${this.#dir}: the tensor ${name} is missing`, {
      hint: 'The weights do not belong to config.json, or are not of the Idefics3 / SmolVLM family.',
    });
  }

  private fault(code: string, name: string, expected: string, received: string): CheckpointError {
    return new CheckpointError(code, `${this.#dir}: ${name}: expected ${expected}, received ${received}`, {
      hint: 'The weights do not belong to config.json.',
    });
  }
}

function addPlaces(places: Map<string, Place>, file: SafetensorsFile): void {
  for (const entry of file.tensors.values()) {
    const name = canonicalName(entry.name);
    const other = places.get(name);
    if (other) {
      throw new CheckpointError(
        'checkpoint-tensor-twice',
        `${file.path}: ${entry.name} is also in ${other.file.path} as ${other.entry.name}`,
      );
    }
    places.set(name, { file, entry });
  }
}
