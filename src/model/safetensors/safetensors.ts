import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import { CheckpointError } from './checkpoint-error';
import {
  headerError,
  lengthFieldBytes,
  maxHeaderBytes,
  parseSafetensorsHeader,
  type TensorEntry,
  truncated,
} from './safetensors-header';
import { decodeToFloat32, dtypeBytes, isFloatReadable } from './tensor-dtype';

/** Bytes decoded at a time, so that converting a tensor needs little more memory than its result. */
const blockBytes = 4 << 20;

/** An open safetensors file: the header is in memory, tensors are read from the file on request. */
export class SafetensorsFile {
  readonly #handle: FileHandle;

  private constructor(
    readonly path: string,
    handle: FileHandle,
    /** By the name in the file, in the order of their bytes. */
    readonly tensors: ReadonlyMap<string, TensorEntry>,
    readonly metadata: Readonly<Record<string, string>>,
  ) {
    this.#handle = handle;
  }

  /** @throws CheckpointError for a header that does not describe the file; names the tensor */
  static async open(path: string): Promise<SafetensorsFile> {
    const handle = await open(path, 'r').catch((cause: NodeJS.ErrnoException) => {
      throw new CheckpointError('checkpoint-file', `${path}: cannot be opened: ${cause.code}`, { cause });
    });
    try {
      const { metadata, tensors } = await readHeader(handle, basename(path));
      return new SafetensorsFile(path, handle, new Map(tensors.map((each) => [each.name, each])), metadata);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** @throws CheckpointError `checkpoint-tensor-missing` */
  entry(name: string): TensorEntry {
    const entry = this.tensors.get(name);
    if (entry) return entry;
    throw new CheckpointError(
      'checkpoint-tensor-missing',
      `${basename(this.path)}: there is no tensor ${name}`,
    );
  }

  /**
   * @param begin first element @param end element after the last
   * @returns elements widened to float32, row-major
   * @throws CheckpointError `checkpoint-dtype` for a number format other than BF16, F16, F32, I8, U8
   */
  async read(name: string, begin = 0, end = this.entry(name).elements): Promise<Float32Array> {
    const entry = this.entry(name);
    if (!isFloatReadable(entry.dtype)) {
      throw new CheckpointError(
        'checkpoint-dtype',
        `${basename(this.path)}: ${name}: expected BF16, F16, F32, I8 or U8, received ${entry.dtype}`,
      );
    }
    checkRange(entry, begin, end);
    const size = dtypeBytes[entry.dtype];
    const out = new Float32Array(end - begin);
    const block = Buffer.from(new ArrayBuffer(Math.min(blockBytes, out.length * size)));
    const perBlock = blockBytes / size;
    for (let at = 0; at < out.length; at += perBlock) {
      const count = Math.min(perBlock, out.length - at);
      const bytes = block.subarray(0, count * size);
      await this.fill(entry, bytes, (begin + at) * size);
      decodeToFloat32(entry.dtype, bytes, out.subarray(at, at + count));
    }
    return out;
  }

  /** @returns the stored bytes of elements `begin` to `end` (not included) */
  async readBytes(name: string, begin = 0, end = this.entry(name).elements): Promise<Uint8Array> {
    const entry = this.entry(name);
    checkRange(entry, begin, end);
    const size = dtypeBytes[entry.dtype];
    const bytes = new Uint8Array((end - begin) * size);
    await this.fill(entry, bytes, begin * size);
    return bytes;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  private async fill(entry: TensorEntry, bytes: Uint8Array, from: number): Promise<void> {
    const position = entry.offset + from;
    const got = await readFully(this.#handle, bytes, position);
    if (got < bytes.length) throw truncated(basename(this.path), entry, position + got);
  }
}

async function readHeader(handle: FileHandle, file: string) {
  const { size } = await handle.stat();
  const lengthField = new Uint8Array(lengthFieldBytes);
  if ((await readFully(handle, lengthField, 0)) < lengthFieldBytes) {
    throw headerError(file, `is cut short: ${size} bytes are too few for a header`, 'checkpoint-truncated');
  }
  const length = new DataView(lengthField.buffer).getBigUint64(0, true);
  if (length > BigInt(maxHeaderBytes)) {
    throw headerError(
      file,
      `expected a header of at most ${maxHeaderBytes} bytes, received a length of ${length}`,
    );
  }
  const header = new Uint8Array(Number(length));
  if ((await readFully(handle, header, lengthFieldBytes)) < header.length) {
    throw headerError(
      file,
      `is cut short: the header ends at byte ${lengthFieldBytes + header.length}, the file at ${size}`,
      'checkpoint-truncated',
    );
  }
  const text = new TextDecoder().decode(header);
  return parseSafetensorsHeader(text, lengthFieldBytes + header.length, size, file);
}

/** @returns bytes read; fewer than asked only at the end of the file */
async function readFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < bytes.length) {
    // One read call moves at most 2 GiB.
    const length = Math.min(bytes.length - done, 1 << 30);
    const { bytesRead } = await handle.read(bytes, done, length, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

function checkRange({ name, elements }: TensorEntry, begin: number, end: number): void {
  if (Number.isInteger(begin) && Number.isInteger(end) && 0 <= begin && begin <= end && end <= elements)
    return;
  throw new RangeError(`${name}: elements ${begin} to ${end} are not within its ${elements}`);
}
