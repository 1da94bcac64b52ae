import { readFileSync } from 'node:fs';
import { fixture } from '../../fixtures';
import { MemoryTensors } from './memory-tensors';

/** Reads a whole safetensors file, independently of src/model: the reference values must not be read by the code that they check. Names lose a leading `model.`. */
export function readSafetensorsFixture(path: string): MemoryTensors {
  const file = readFileSync(path);
  const headerLength = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + headerLength)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = new MemoryTensors();
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const [begin, end] = data_offsets;
    const bytes = new Uint8Array(file.subarray(8 + headerLength + begin, 8 + headerLength + end));
    tensors.add(name.replace(/^model\./, ''), shape, floats(bytes, dtype));
  }
  return tensors;
}

const goldens = new Map<string, MemoryTensors>();

/** Tensors of a golden checkpoint, read once per process. Their values must not be changed. */
export function goldenTensors(
  checkpoint: 'tiny-idefics3' | 'odd-patches',
  file: 'model' | 'activations',
): MemoryTensors {
  const path = fixture('goldens', checkpoint, `${file}.safetensors`);
  const tensors = goldens.get(path) ?? readSafetensorsFixture(path);
  goldens.set(path, tensors);
  return tensors;
}

function floats(bytes: Uint8Array, dtype: string): Float32Array {
  if (dtype === 'F32') return new Float32Array(bytes.buffer);
  if (dtype !== 'BF16') throw new Error(`the fixture reader supports F32 and BF16, not ${dtype}`);
  const halves = new Uint16Array(bytes.buffer);
  const bits = new Uint32Array(halves.length);
  for (let index = 0; index < halves.length; index++) bits[index] = (halves[index] ?? 0) << 16;
  return new Float32Array(bits.buffer);
}
