import type { SessionSignature, SignatureValue } from './bound-session';
import type { OrtLibrary } from './ort-library';

/** ONNXTensorElementDataType, by onnxruntime-node's names. */
const elementTypes: Readonly<Record<number, string>> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  6: 'int32',
  7: 'int64',
  10: 'float16',
};

/** The inputs and outputs of a session opened through the C API. */
export function nativeSignature(library: OrtLibrary, session: bigint): SessionSignature {
  const values = (side: 'Input' | 'Output'): readonly SignatureValue[] =>
    Array.from({ length: library.size(`SessionGet${side}Count`, session) }, (_, index) => {
      const allocator = library.create('GetAllocatorWithDefaultOptions');
      const name = library.create(`SessionGet${side}Name`, session, index, allocator);
      const type = library.create(`SessionGet${side}TypeInfo`, session, index);
      try {
        return { name: library.text(name), ...tensorType(library, type) };
      } finally {
        library.call('AllocatorFree', allocator, name);
        library.function('ReleaseTypeInfo')(type);
      }
    });
  return { inputs: values('Input'), outputs: values('Output') };
}

function tensorType(library: OrtLibrary, type: bigint): Pick<SignatureValue, 'tensor'> {
  const info = library.create('CastTypeInfoToTensorInfo', type);
  if (!info) return {};
  const shape = new BigInt64Array(library.size('GetDimensionsCount', info));
  library.call('GetDimensions', info, shape, shape.length);
  const element = Number(library.size('GetTensorElementType', info));
  const dtype = elementTypes[element] ?? `element type ${element}`;
  return { tensor: { dtype, shape: [...shape].map(Number) } };
}
