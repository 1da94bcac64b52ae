import { MemoryTensors } from '../model/safetensors/memory-tensors';

/** Channels between tensors whose rows produce them and weights [out, channels] that read them. */
export interface SpreadChannels {
  readonly producers: readonly string[];
  readonly consumers: readonly string[];
}

/** The same function with outliers: every fifth channel is produced `factor` times as large, and read `factor` times as small. */
export function withOutliers(
  tensors: MemoryTensors,
  names: readonly string[],
  channels: readonly SpreadChannels[],
  factor: number,
): MemoryTensors {
  const spread = new MemoryTensors();
  for (const name of names) {
    const shape = tensors.shape(name);
    const width = shape.length === 1 ? 1 : (shape[1] ?? 1);
    const produced = channels.some(({ producers }) => producers.includes(name));
    const read = channels.some(({ consumers }) => consumers.includes(name));
    const values = tensors.values(name).map((value, index) => {
      const rowFactor = produced && Math.floor(index / width) % 5 === 0 ? factor : 1;
      return (value * rowFactor) / (read && (index % width) % 5 === 0 ? factor : 1);
    });
    spread.add(name, shape, values);
  }
  return spread;
}

/** All of the named tensors, as a source computes them. */
export async function inMemory(
  source: { shape(name: string): readonly number[]; read(name: string): Promise<Float32Array> },
  names: readonly string[],
): Promise<MemoryTensors> {
  const tensors = new MemoryTensors();
  for (const name of names) tensors.add(name, source.shape(name), await source.read(name));
  return tensors;
}
