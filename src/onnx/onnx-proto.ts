import type { INamespace, Type } from 'protobufjs/light';
import { SmolvlmError } from '../errors';

/** Element types this package writes, with their codes in ONNX's `TensorProto.DataType` and sizes in bytes. */
const dtypes = {
  float32: { code: 1, bytes: 4 },
  uint8: { code: 2, bytes: 1 },
  int8: { code: 3, bytes: 1 },
  int32: { code: 6, bytes: 4 },
  int64: { code: 7, bytes: 8 },
  bool: { code: 9, bytes: 1 },
  float16: { code: 10, bytes: 2 },
} as const;

export type OnnxDtype = keyof typeof dtypes;

export function dtypeCode(dtype: OnnxDtype): number {
  return dtypes[dtype].code;
}

/** @returns size of a tensor's data in bytes */
export function tensorBytes(dtype: OnnxDtype, shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, dtypes[dtype].bytes);
}

/** `AttributeProto.AttributeType` */
export const attributeType = { float: 1, int: 2, string: 3, floats: 6, ints: 7, strings: 8 } as const;

/** `TensorProto.DataLocation` EXTERNAL */
export const externalLocation = 1;

/**
 * The part of onnx.proto3 (ONNX, Apache-2.0) that the graphs of this package use; field numbers are the
 * format's own. Enumerations are plain int32 on the wire.
 */
const schema: INamespace = {
  nested: {
    OperatorSetIdProto: {
      fields: { domain: { type: 'string', id: 1 }, version: { type: 'int64', id: 2 } },
    },
    StringStringEntryProto: {
      fields: { key: { type: 'string', id: 1 }, value: { type: 'string', id: 2 } },
    },
    TensorProto: {
      fields: {
        dims: { rule: 'repeated', type: 'int64', id: 1 },
        dataType: { type: 'int32', id: 2 },
        name: { type: 'string', id: 8 },
        rawData: { type: 'bytes', id: 9 },
        externalData: { rule: 'repeated', type: 'StringStringEntryProto', id: 13 },
        dataLocation: { type: 'int32', id: 14 },
      },
    },
    AttributeProto: {
      fields: {
        name: { type: 'string', id: 1 },
        f: { type: 'float', id: 2 },
        i: { type: 'int64', id: 3 },
        s: { type: 'bytes', id: 4 },
        floats: { rule: 'repeated', type: 'float', id: 7 },
        ints: { rule: 'repeated', type: 'int64', id: 8 },
        strings: { rule: 'repeated', type: 'bytes', id: 9 },
        type: { type: 'int32', id: 20 },
      },
    },
    NodeProto: {
      fields: {
        input: { rule: 'repeated', type: 'string', id: 1 },
        output: { rule: 'repeated', type: 'string', id: 2 },
        name: { type: 'string', id: 3 },
        opType: { type: 'string', id: 4 },
        attribute: { rule: 'repeated', type: 'AttributeProto', id: 5 },
        domain: { type: 'string', id: 7 },
      },
    },
    Dimension: {
      oneofs: { value: { oneof: ['dimValue', 'dimParam'] } },
      fields: { dimValue: { type: 'int64', id: 1 }, dimParam: { type: 'string', id: 2 } },
    },
    TensorShapeProto: { fields: { dim: { rule: 'repeated', type: 'Dimension', id: 1 } } },
    TensorTypeProto: {
      fields: { elemType: { type: 'int32', id: 1 }, shape: { type: 'TensorShapeProto', id: 2 } },
    },
    TypeProto: { fields: { tensorType: { type: 'TensorTypeProto', id: 1 } } },
    ValueInfoProto: { fields: { name: { type: 'string', id: 1 }, type: { type: 'TypeProto', id: 2 } } },
    GraphProto: {
      fields: {
        node: { rule: 'repeated', type: 'NodeProto', id: 1 },
        name: { type: 'string', id: 2 },
        initializer: { rule: 'repeated', type: 'TensorProto', id: 5 },
        input: { rule: 'repeated', type: 'ValueInfoProto', id: 11 },
        output: { rule: 'repeated', type: 'ValueInfoProto', id: 12 },
      },
    },
    ModelProto: {
      fields: {
        irVersion: { type: 'int64', id: 1 },
        producerName: { type: 'string', id: 2 },
        graph: { type: 'GraphProto', id: 7 },
        opsetImport: { rule: 'repeated', type: 'OperatorSetIdProto', id: 8 },
      },
    },
  },
};

let loading: Promise<Type> | undefined;

/**
 * ONNX's top-level message; field names are the format's, in camel case. protobufjs is loaded only when a graph is
 * written or read: an installation that uses a remote engine does not need it.
 * @throws SmolvlmError `protobuf-unavailable`
 */
export function loadModelProto(): Promise<Type> {
  loading ??= import('protobufjs/light.js').then(
    ({ default: { Root } }) => Root.fromJSON(schema).lookupType('ModelProto'),
    (cause: unknown) => {
      loading = undefined;
      throw new SmolvlmError(
        'protobuf-unavailable',
        'protobufjs, which writes ONNX files, could not be loaded',
        {
          hint: 'Install it where this package is installed, with optional dependencies allowed: npm install protobufjs.',
          cause,
        },
      );
    },
  );
  return loading;
}
