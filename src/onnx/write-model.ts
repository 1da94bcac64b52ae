import { createHash } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type ExternalDataRange, encodeModel } from './encode-model';
import { type ExternalTensor, GraphError, type OnnxGraph } from './graph-builder';
import { tensorBytes } from './onnx-proto';

/** Each weight starts at a multiple of this, so that a runtime may map the file and use vector loads. */
const alignmentBytes = 64;

export interface WriteModelOptions {
  /** Bytes of weights written so far, and in total. */
  readonly onProgress?: (writtenBytes: number, totalBytes: number) => void;
  readonly signal?: AbortSignal;
}

export interface WrittenFile {
  /** File name, beside the ONNX file. */
  readonly name: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

export interface WrittenModel {
  readonly model: WrittenFile;
  /** Absent when the graph has no streamed weights. */
  readonly data?: WrittenFile;
}

/**
 * Writes a graph as `path` (…`.onnx`) and its weights as `path` + `.data`, one weight in memory at a time.
 * Each file gets its name only once it is complete, the ONNX file last.
 * @throws the signal's reason when aborted; no partial file is left
 */
export async function writeModel(
  graph: OnnxGraph,
  path: string,
  options: WriteModelOptions = {},
): Promise<WrittenModel> {
  const dataName = `${basename(path)}.data`;
  const ranges = layOut(graph.weights);
  const data =
    graph.weights.length === 0
      ? undefined
      : await writeWhole(join(dirname(path), dataName), (file) =>
          writeWeights(file, graph.weights, ranges, options),
        );
  const bytes = await encodeModel(graph, dataName, ranges);
  const model = await writeWhole(path, (file) => file.append(bytes));
  return data === undefined ? { model } : { model, data };
}

function layOut(weights: readonly ExternalTensor[]): ReadonlyMap<string, ExternalDataRange> {
  const ranges = new Map<string, ExternalDataRange>();
  let end = 0;
  for (const { name, dtype, shape } of weights) {
    const offset = Math.ceil(end / alignmentBytes) * alignmentBytes;
    const length = tensorBytes(dtype, shape);
    ranges.set(name, { offset, length });
    end = offset + length;
  }
  return ranges;
}

async function writeWeights(
  file: HashedFile,
  weights: readonly ExternalTensor[],
  ranges: ReadonlyMap<string, ExternalDataRange>,
  { onProgress, signal }: WriteModelOptions,
): Promise<void> {
  const last = [...ranges.values()].at(-1);
  const totalBytes = last === undefined ? 0 : last.offset + last.length;
  for (const weight of weights) {
    const range = ranges.get(weight.name);
    if (range === undefined)
      throw new GraphError('onnx-undefined', `weight ${weight.name} has no range in the data file`);
    await file.append(new Uint8Array(range.offset - file.sizeBytes));
    for await (const chunk of weight.chunks()) {
      signal?.throwIfAborted();
      await file.append(chunk);
      onProgress?.(file.sizeBytes, totalBytes);
    }
    const received = file.sizeBytes - range.offset;
    if (received !== range.length) {
      throw new GraphError(
        'onnx-weight-size',
        `weight ${weight.name}: ${weight.dtype} [${weight.shape}] is ${range.length} bytes, received ${received}`,
      );
    }
  }
}

/** A file being written, with the running hash and size of its contents. */
class HashedFile {
  readonly #file: FileHandle;
  readonly #hash = createHash('sha256');
  sizeBytes = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async append(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    this.#hash.update(bytes);
    this.sizeBytes += bytes.length;
    await this.#file.writeFile(bytes);
  }

  sha256(): string {
    return this.#hash.digest('hex');
  }
}

async function writeWhole(path: string, fill: (file: HashedFile) => Promise<void>): Promise<WrittenFile> {
  const partial = `${path}.partial`;
  const handle = await open(partial, 'w');
  try {
    const file = new HashedFile(handle);
    await fill(file);
    await handle.sync();
    await handle.close();
    await rename(partial, path);
    return { name: basename(path), sha256: file.sha256(), sizeBytes: file.sizeBytes };
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(partial, { force: true });
    throw error;
  }
}
