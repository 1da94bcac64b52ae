import { readFileSync } from 'node:fs';
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
    const bytes = Uint8Array.from(file.subarray(8 + headerLength + begin, 8 + headerLength + end));
    tensors.add(name.replace(/^model\./, ''), shape, floats(bytes, dtype));
  }
  return tensors;
}

function floats(bytes: Uint8Array, dtype: string): Float32Array {
  if (dtype === 'F32') return new Float32Array(bytes.buffer);
  if (dtype !== 'BF16') throw new Error(`the fixture reader supports F32 and BF16, not ${dtype}`);
  const bits = Uint32Array.from(new Uint16Array(bytes.buffer), (half) => half << 16);
  return new Float32Array(bits.buffer);
}
