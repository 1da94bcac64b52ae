/**
 * The C interface of librknnrt (rknn_api.h of SDK 2.3.2; the layouts are the same from 1.6.0 to 2.5.0, LP64). Structures are
 * written and read by offset in plain buffers, so that reserved bytes are always zero.
 */

/** Sizes and offsets in bytes; a test compiles a C program that prints the same. */
export const layouts = {
  tensorAttr: {
    size: 376,
    index: 0,
    dimCount: 4,
    dims: 8,
    name: 72,
    elements: 328,
    bytes: 332,
    format: 336,
    type: 340,
    quantization: 344,
    zeroPoint: 352,
    scale: 356,
    widthStride: 360,
    bytesWithStride: 364,
    passThrough: 368,
    heightStride: 372,
  },
  input: { size: 32, index: 0, buffer: 8, bytes: 16, passThrough: 20, type: 24, format: 28 },
  output: { size: 24, wantFloat: 0, preallocated: 1, index: 4, buffer: 8, bytes: 16 },
  inputOutputNumber: { size: 8, inputs: 0, outputs: 4 },
  performance: { size: 8, runMicroseconds: 0 },
  sdkVersion: { size: 512, api: 0, driver: 256 },
  memorySize: { size: 64, weights: 0, internal: 4, dmaTotal: 8, sramTotal: 16, sramFree: 20 },
  tensorMemory: { size: 40, address: 0, physical: 8, fd: 16, offset: 20, bytes: 24, flags: 28 },
} as const;

const maxDims = 16;
const nameBytes = 256;

export const query = {
  inOutNumber: 0,
  inputAttr: 1,
  outputAttr: 2,
  performance: 4,
  sdkVersion: 5,
  memorySize: 6,
  nativeInputAttr: 8,
  nativeOutputAttr: 9,
} as const;

export const tensorType = { float32: 0, float16: 1, int8: 2, uint8: 3 } as const;

export const initFlags = {
  /** The caller gives the scratch memory: stages that run one after the other can share one. */
  internalAllocOutside: 0x200,
  /** Without it the library renices the calling process to -19. */
  disableProcHighPriority: 0x2000,
} as const;

/** A core mask; 0 lets the driver choose. */
export function coreMask(core: number | undefined): number {
  return core === undefined ? 0 : 1 << core;
}

/** A model's description of one of its tensors (`rknn_tensor_attr`). */
export interface TensorAttr {
  readonly name: string;
  readonly dims: readonly number[];
  readonly elements: number;
  readonly bytes: number;
  /** Including the padding of rows: the size of a zero-copy buffer. */
  readonly bytesWithStride: number;
  readonly format: number;
  readonly type: number;
}

export function readTensorAttr(buffer: Buffer): TensorAttr {
  const at = layouts.tensorAttr;
  const dimCount = Math.min(buffer.readUInt32LE(at.dimCount), maxDims);
  return {
    name: cString(buffer, at.name, nameBytes),
    dims: Array.from({ length: dimCount }, (_, index) => buffer.readUInt32LE(at.dims + 4 * index)),
    elements: buffer.readUInt32LE(at.elements),
    bytes: buffer.readUInt32LE(at.bytes),
    bytesWithStride: buffer.readUInt32LE(at.bytesWithStride),
    format: buffer.readInt32LE(at.format),
    type: buffer.readInt32LE(at.type),
  };
}

/** An `rknn_input`: the library copies and converts from `address` when it is set. */
export function inputStruct(address: bigint, bytes: number, type: number, format: number): Buffer {
  const at = layouts.input;
  const struct = Buffer.alloc(at.size);
  struct.writeBigUInt64LE(address, at.buffer);
  struct.writeUInt32LE(bytes, at.bytes);
  struct.writeInt32LE(type, at.type);
  struct.writeInt32LE(format, at.format);
  return struct;
}

/** An `rknn_output` that requests float32 in the caller's memory. */
export function floatOutputStruct(address: bigint, bytes: number): Buffer {
  const at = layouts.output;
  const struct = Buffer.alloc(at.size);
  struct.writeUInt8(1, at.wantFloat);
  struct.writeUInt8(1, at.preallocated);
  struct.writeBigUInt64LE(address, at.buffer);
  struct.writeUInt32LE(bytes, at.bytes);
  return struct;
}

/** A structure's text field up to its NUL. */
export function cString(buffer: Buffer, offset: number, bytes: number): string {
  const text = buffer.toString('latin1', offset, offset + bytes);
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}
