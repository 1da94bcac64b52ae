import type { TensorSource } from '../model/safetensors/tensor-source';
import { ChannelEqualiser, outputSize } from './channel-equaliser';
import { ScaledTensors, type TensorScaling } from './scaled-tensors';
import { rowBlocks } from './weights';

/** Channels between a producer and the linear layers that read them. */
export interface EqualisedChannels {
  /** Tensors whose rows produce the channels: weight and bias of a norm or of a linear layer. */
  readonly producers: readonly string[];
  /** Weights [out, channels] of all layers that read them. */
  readonly consumers: readonly string[];
  /** Size of each channel. */
  readonly activations: Float32Array;
  /** α of `ChannelEqualiser`; default: ½. */
  readonly strength?: number;
}

/** The same function with equalised channels; every weight that reads them is read once for it. */
export async function equalisedTensors(
  source: TensorSource,
  channels: AsyncIterable<EqualisedChannels>,
): Promise<TensorSource> {
  const scalings = new Map<string, TensorScaling>();
  for await (const { producers, consumers, activations, strength } of channels) {
    const equaliser = new ChannelEqualiser(activations);
    for (const name of consumers) {
      for await (const { values } of rowBlocks(source, name)) equaliser.add(values);
    }
    const columns = equaliser.factors(strength);
    const rows = columns.map((factor) => 1 / factor);
    for (const name of producers) scalings.set(name, { ...scalings.get(name), rows });
    for (const name of consumers) scalings.set(name, { ...scalings.get(name), columns });
  }
  return new ScaledTensors(source, scalings);
}

/** Sizes of a norm's output channels, as its weight and bias let expect: its inputs have variance 1. */
export async function normSizes(source: TensorSource, name: string, bias: boolean): Promise<Float32Array> {
  const weight = await source.read(`${name}.weight`);
  if (!bias) return weight.map(Math.abs);
  const offset = await source.read(`${name}.bias`);
  return weight.map((value, channel) => Math.hypot(value, offset[channel] as number));
}

/** Sizes of a linear layer's output channels. @param weight [out, in] @param inputs sizes of its input channels */
export async function linearSizes(
  source: TensorSource,
  weight: string,
  inputs: Float32Array,
): Promise<Float32Array> {
  const sizes = new Float32Array(source.shape(weight)[0] ?? 0);
  for await (const { begin, end, values } of rowBlocks(source, weight)) {
    for (let row = begin; row < end; row++) {
      const start = (row - begin) * inputs.length;
      sizes[row] = outputSize(values.subarray(start, start + inputs.length), inputs);
    }
  }
  return sizes;
}
