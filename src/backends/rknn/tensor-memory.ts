import { SmolvlmError } from '../../errors';
import { layouts } from './rknn-abi';
import type { RknnLibrary } from './rknn-library';

/** Memory that the NPU and this process share (`rknn_tensor_mem`), as one context's handle. */
export interface TensorMemory {
  /** Of the library's structure. */
  readonly handle: bigint;
  /** A view of the memory, not a copy. */
  readonly memory: ArrayBuffer;
  readonly address: bigint;
  readonly fd: number;
  readonly offset: number;
  readonly bytes: number;
}

/** @param context its owner: the memory is destroyed with it @throws SmolvlmError `backend-rknn-memory` */
export async function createTensorMemory(
  library: RknnLibrary,
  context: bigint,
  bytes: number,
): Promise<TensorMemory> {
  return read(library, await library.callForAddress('rknn_create_mem', context, bytes), bytes);
}

/** The same memory in another context. @throws SmolvlmError `backend-rknn-memory` */
export async function shareTensorMemory(
  library: RknnLibrary,
  context: bigint,
  { fd, address, bytes, offset }: TensorMemory,
): Promise<TensorMemory> {
  const handle = await library.callForAddress('rknn_create_mem_from_fd', context, fd, address, bytes, offset);
  return read(library, handle, bytes);
}

function read(library: RknnLibrary, handle: bigint, bytes: number): TensorMemory {
  const at = layouts.tensorMemory;
  const struct = handle === 0n ? undefined : Buffer.from(library.view(handle, at.size));
  const address = struct?.readBigUInt64LE(at.address) ?? 0n;
  if (!struct || address === 0n || struct.readUInt32LE(at.bytes) < bytes) {
    throw new SmolvlmError('backend-rknn-memory', `the NPU could not allocate ${bytes} bytes`, {
      hint: 'Check free memory (CMA, IOMMU) and open files: smolvlm doctor.',
    });
  }
  return {
    handle,
    memory: library.view(address, bytes),
    address,
    fd: struct.readInt32LE(at.fd),
    offset: struct.readInt32LE(at.offset),
    bytes,
  };
}
