import { createHash } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { lengthFieldBytes } from './safetensors-header';
import { dtypeBytes, type TensorDtype } from './tensor-dtype';

/** A tensor to be written. Its values are requested when it is written, so that only one tensor is in memory. */
export interface TensorToWrite {
  readonly name: string;
  readonly dtype: TensorDtype;
  /** Outermost first. */
  readonly shape: readonly number[];
  /** Little-endian elements in the stated number format, as a whole or in blocks. */
  data():
    | ArrayBufferView
    | Promise<ArrayBufferView>
    | Iterable<ArrayBufferView>
    | AsyncIterable<ArrayBufferView>;
}

export interface WrittenSafetensors {
  readonly sizeBytes: number;
  /** Of the whole file, hex. */
  readonly sha256: string;
}

/**
 * Writes a safetensors file with the tensors in the given order, under a temporary name until it is complete; a failure
 * leaves nothing behind.
 * @throws RangeError naming a tensor whose data does not have the length of its shape
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = {},
): Promise<WrittenSafetensors> {
  const temporary = `${path}.partial`;
  const handle = await open(temporary, 'w');
  try {
    const written = await writeAll(handle, tensors, metadata);
    await handle.sync();
    await handle.close();
    await rename(temporary, path);
    return written;
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
}

async function writeAll(
  handle: FileHandle,
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>>,
): Promise<WrittenSafetensors> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const write = async (view: ArrayBufferView): Promise<void> => {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    hash.update(bytes);
    for (let done = 0; done < bytes.length; ) {
      done += (await handle.write(bytes, done, Math.min(bytes.length - done, 1 << 30))).bytesWritten;
    }
    sizeBytes += bytes.length;
  };
  await write(encodeHeader(tensors, metadata));
  for (const tensor of tensors) {
    const end = sizeBytes + tensorBytes(tensor);
    const data = await tensor.data();
    for await (const piece of ArrayBuffer.isView(data) ? [data] : data) await write(piece);
    if (sizeBytes !== end) {
      throw new RangeError(
        `${tensor.name}: expected ${tensorBytes(tensor)} bytes, received ${sizeBytes - end + tensorBytes(tensor)}`,
      );
    }
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}

/** The length field and the header, padded with blanks so that the data begins at a multiple of 8 bytes. */
function encodeHeader(
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const header: Record<string, unknown> = {};
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
  let begin = 0;
  for (const tensor of tensors) {
    if (Object.hasOwn(header, tensor.name)) throw new RangeError(`the tensor ${tensor.name} is given twice`);
    const end = begin + tensorBytes(tensor);
    header[tensor.name] = { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [begin, end] };
    begin = end;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Math.ceil(json.length / 8) * 8;
  const bytes = Buffer.alloc(lengthFieldBytes + length, ' ');
  bytes.writeBigUInt64LE(BigInt(length), 0);
  json.copy(bytes, lengthFieldBytes);
  return bytes;
}

function tensorBytes({ dtype, shape }: TensorToWrite): number {
  return shape.reduce((product, size) => product * size, dtypeBytes[dtype]);
}

/** @returns a one-dimensional or shaped float32 tensor whose values are already in memory */
export function float32Tensor(name: string, shape: readonly number[], values: Float32Array): TensorToWrite {
  return { name, dtype: 'F32', shape, data: () => values };
}
