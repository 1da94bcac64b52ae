import type { Attribute, Dimension, OnnxGraph, ValueInfo } from './graph-builder';
import { attributeType, dtypeCode, externalLocation, loadModelProto } from './onnx-proto';

/** A weight's range in the data file beside the graph. */
export interface ExternalDataRange {
  readonly offset: number;
  readonly length: number;
}

/**
 * Encodes a graph as an ONNX file.
 * @param dataFile file name of the external data, beside the ONNX file
 * @param ranges place of each of the graph's weights in it, by name
 */
export async function encodeModel(
  graph: OnnxGraph,
  dataFile: string,
  ranges: ReadonlyMap<string, ExternalDataRange>,
): Promise<Uint8Array> {
  const ModelProto = await loadModelProto();
  const constants = graph.constants.map(({ name, dtype, shape, bytes }) => ({
    name,
    dims: shape,
    dataType: dtypeCode(dtype),
    rawData: bytes,
  }));
  const weights = graph.weights.map(({ name, dtype, shape }) => ({
    name,
    dims: shape,
    dataType: dtypeCode(dtype),
    dataLocation: externalLocation,
    externalData: externalEntries(dataFile, ranges.get(name)),
  }));
  const message = ModelProto.create({
    irVersion: graph.irVersion,
    producerName: 'node-red-smolvlm',
    opsetImport: Object.entries(graph.opsets).map(([domain, version]) => ({ domain, version })),
    graph: {
      name: graph.name,
      input: graph.inputs.map(valueInfo),
      output: graph.outputs.map(valueInfo),
      initializer: [...constants, ...weights],
      node: graph.nodes.map(({ name, op, domain, inputs, outputs, attributes }) => ({
        name,
        opType: op,
        domain,
        input: inputs,
        output: outputs,
        attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
      })),
    },
  });
  return ModelProto.encode(message).finish();
}

function externalEntries(location: string, range: ExternalDataRange | undefined) {
  return [
    { key: 'location', value: location },
    { key: 'offset', value: String(range?.offset ?? 0) },
    { key: 'length', value: String(range?.length ?? 0) },
  ];
}

function valueInfo({ name, dtype, shape }: ValueInfo) {
  return { name, type: { tensorType: { elemType: dtypeCode(dtype), shape: { dim: shape.map(dimension) } } } };
}

function dimension(size: Dimension) {
  return typeof size === 'number' ? { dimValue: size } : { dimParam: size };
}

function attribute(name: string, value: Attribute) {
  if ('int' in value) return { name, type: attributeType.int, i: value.int };
  if ('float' in value) return { name, type: attributeType.float, f: value.float };
  if ('string' in value) return { name, type: attributeType.string, s: Buffer.from(value.string) };
  if ('ints' in value) return { name, type: attributeType.ints, ints: value.ints };
  if ('floats' in value) return { name, type: attributeType.floats, floats: value.floats };
  return { name, type: attributeType.strings, strings: value.strings.map((text) => Buffer.from(text)) };
}
