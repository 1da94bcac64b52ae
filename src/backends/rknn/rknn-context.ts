import { SmolvlmError } from '../../errors';
import { Mutex } from '../../system/async/mutex';
import {
  cString,
  floatOutputStruct,
  initFlags,
  inputStruct,
  layouts,
  query,
  readTensorAttr,
  type TensorAttr,
  tensorType,
} from './rknn-abi';
import { rknnError, rknnLoadError, rknnRunError } from './rknn-error';
import type { RknnLibrary, RknnSymbol } from './rknn-library';
import { createTensorMemory, shareTensorMemory, type TensorMemory } from './tensor-memory';

export interface ContextOptions {
  /** For errors: the stage's name. */
  readonly name: string;
  readonly path: string;
  readonly coreMask: number;
  /** The scratch memory is set with `useScratch` before the first run, instead of allocated by the context. */
  readonly sharedScratch?: boolean;
}

/** The result of one run. */
export interface ContextRun<T> {
  readonly output: T;
  /** Time on the NPU alone, as reported by the library. */
  readonly npuMs: number;
}

/**
 * One loaded model. Its calls run one at a time: two threads in one context are undefined behaviour.
 * Input is float32 (or bytes), output float32; the library converts to and from fp16.
 */
export class RknnContext {
  readonly #library: RknnLibrary;
  readonly #options: ContextOptions;
  readonly #handle: bigint;
  readonly input: TensorAttr;
  readonly output: TensorAttr;
  readonly #buffers: { readonly input: NativeBuffer; readonly output: NativeBuffer };
  readonly #memories: TensorMemory[] = [];
  readonly #mutex = new Mutex();
  #closed = false;

  private constructor(
    library: RknnLibrary,
    options: ContextOptions,
    handle: bigint,
    input: TensorAttr,
    output: TensorAttr,
  ) {
    this.#library = library;
    this.#options = options;
    this.#handle = handle;
    this.input = input;
    this.output = output;
    const inputBytes = input.elements * (input.type === tensorType.uint8 ? 1 : 4);
    this.#buffers = {
      input: library.allocate(inputBytes),
      output: library.allocate(output.elements * 4),
    };
  }

  /** @throws SmolvlmError `stage-load` naming the file, `stage-contract` for a model of several inputs or outputs */
  static async open(library: RknnLibrary, options: ContextOptions): Promise<RknnContext> {
    const { name, path } = options;
    const out = Buffer.alloc(8);
    // Size 0: `model` is a path. No extension structure, hence no reserved bytes.
    const flags =
      initFlags.disableProcHighPriority | (options.sharedScratch ? initFlags.internalAllocOutside : 0);
    const status = await library.call('rknn_init', out, path, 0, flags, null);
    if (status !== 0) throw rknnLoadError(name, path, status, library.version);
    const handle = out.readBigUInt64LE(0);
    try {
      const count = Buffer.alloc(layouts.inputOutputNumber.size);
      await queryInto(library, handle, query.inOutNumber, count, name);
      const inputs = count.readUInt32LE(layouts.inputOutputNumber.inputs);
      const outputs = count.readUInt32LE(layouts.inputOutputNumber.outputs);
      if (inputs !== 1 || outputs !== 1) {
        throw new SmolvlmError(
          'stage-contract',
          `stage ${name}: expected one input and one output, ${path} has ${inputs} and ${outputs}`,
          { hint: 'The file is not a vision stage.' },
        );
      }
      const input = await tensorAttr(library, handle, query.inputAttr, name);
      const output = await tensorAttr(library, handle, query.outputAttr, name);
      const masked = await library.call('rknn_set_core_mask', handle, options.coreMask);
      if (masked !== 0) {
        throw rknnError('stage-load', `stage ${name}: rknn_set_core_mask ${options.coreMask}`, masked);
      }
      return new RknnContext(library, options, handle, input, output);
    } catch (error) {
      await library.call('rknn_destroy', handle);
      throw error;
    }
  }

  /** @param input as many values as `input.elements` @returns float32, the caller's own */
  run(input: Float32Array | Uint8Array): Promise<ContextRun<Float32Array>> {
    return this.#exclusive(async () => {
      const { input: from, output: to } = this.#buffers;
      const bytes = input instanceof Uint8Array;
      (bytes ? new Uint8Array(from.memory) : new Float32Array(from.memory)).set(input);
      const type = bytes ? tensorType.uint8 : tensorType.float32;
      const inputs = inputStruct(from.address, from.memory.byteLength, type, this.input.format);
      await this.#check('rknn_inputs_set', 1, inputs);
      await this.#check('rknn_run', null);
      const outputs = floatOutputStruct(to.address, to.memory.byteLength);
      await this.#check('rknn_outputs_get', 1, outputs, null);
      // Required after every get, even with our own memory: otherwise the library leaks.
      await this.#check('rknn_outputs_release', 1, outputs);
      return { output: new Float32Array(to.memory.slice(0)), npuMs: await this.#npuMs() };
    });
  }

  /** The tensor in the NPU's native layout; `raw` is the structure, for `bind`. */
  nativeAttr(role: 'input' | 'output'): Promise<{ readonly attr: TensorAttr; readonly raw: Buffer }> {
    const command = role === 'input' ? query.nativeInputAttr : query.nativeOutputAttr;
    return this.#exclusive(async () => {
      const raw = Buffer.alloc(layouts.tensorAttr.size);
      await queryInto(this.#library, this.#handle, command, raw, this.#options.name);
      return { attr: readTensorAttr(raw), raw };
    });
  }

  /** New memory, destroyed with this context. */
  createMemory(bytes: number): Promise<TensorMemory> {
    return this.#exclusive(async () =>
      this.#own(await createTensorMemory(this.#library, this.#handle, bytes)),
    );
  }

  /** Another context's memory. */
  shareMemory(memory: TensorMemory): Promise<TensorMemory> {
    return this.#exclusive(async () =>
      this.#own(await shareTensorMemory(this.#library, this.#handle, memory)),
    );
  }

  /** Binds the tensor to this memory, in the layout of `attr`. */
  bind({ handle }: TensorMemory, attr: Buffer): Promise<void> {
    return this.#exclusive(() => this.#check('rknn_set_io_mem', handle, attr));
  }

  useScratch({ handle }: TensorMemory): Promise<void> {
    return this.#exclusive(() => this.#check('rknn_set_internal_mem', handle));
  }

  /** Runs on the memory its tensors are bound to. @returns milliseconds on the NPU */
  runBound(): Promise<number> {
    return this.#exclusive(async () => {
      await this.#check('rknn_run', null);
      return this.#npuMs();
    });
  }

  /** Versions of library and driver, as reported by the library. */
  versions(): Promise<{ readonly runtime: string; readonly driver: string }> {
    return this.#exclusive(async () => {
      const { size, api, driver } = layouts.sdkVersion;
      const info = Buffer.alloc(size);
      await queryInto(this.#library, this.#handle, query.sdkVersion, info, this.#options.name);
      return { runtime: cString(info, api, 256), driver: cString(info, driver, 256) };
    });
  }

  /** Bytes of NPU memory the model takes: weights, scratch, and all DMA memory. */
  memory(): Promise<{ readonly weights: number; readonly internal: number; readonly total: number }> {
    return this.#exclusive(async () => {
      const { size, weights, internal, dmaTotal } = layouts.memorySize;
      const info = Buffer.alloc(size);
      await queryInto(this.#library, this.#handle, query.memorySize, info, this.#options.name);
      const total = Number(info.readBigUInt64LE(dmaTotal));
      return { weights: info.readUInt32LE(weights), internal: info.readUInt32LE(internal), total };
    });
  }

  /** Waits for running calls. */
  async close(): Promise<void> {
    if (this.#closed) return;
    const closing = this.#exclusive(async () => {
      for (const { handle } of this.#memories.splice(0).reverse()) {
        await this.#library.call('rknn_destroy_mem', this.#handle, handle);
      }
      await this.#library.call('rknn_destroy', this.#handle);
      this.#library.release(this.#buffers.input.address);
      this.#library.release(this.#buffers.output.address);
    });
    this.#closed = true;
    await closing;
  }

  #own(memory: TensorMemory): TensorMemory {
    this.#memories.push(memory);
    return memory;
  }

  async #npuMs(): Promise<number> {
    const time = Buffer.alloc(layouts.performance.size);
    await queryInto(this.#library, this.#handle, query.performance, time, this.#options.name);
    return Number(time.readBigInt64LE(layouts.performance.runMicroseconds)) / 1000;
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) {
      return Promise.reject(new SmolvlmError('stage-closed', `stage ${this.#options.name} was closed`));
    }
    return this.#mutex.run(work);
  }

  async #check(name: RknnSymbol, ...args: unknown[]): Promise<void> {
    const status = await this.#library.call(name, this.#handle, ...args);
    if (status === 0) return;
    if (name === 'rknn_run') throw rknnRunError(this.#options.name, status, this.#library.version);
    throw rknnError('backend-rknn-call', `stage ${this.#options.name}: ${name}`, status);
  }
}

interface NativeBuffer {
  readonly address: bigint;
  readonly memory: ArrayBuffer;
}

async function queryInto(
  library: RknnLibrary,
  handle: bigint,
  command: number,
  info: Buffer,
  name: string,
): Promise<void> {
  const status = await library.call('rknn_query', handle, command, info, info.length);
  if (status !== 0) throw rknnError('backend-rknn-call', `stage ${name}: rknn_query ${command}`, status);
}

async function tensorAttr(
  library: RknnLibrary,
  handle: bigint,
  command: number,
  name: string,
): Promise<TensorAttr> {
  const info = Buffer.alloc(layouts.tensorAttr.size);
  await queryInto(library, handle, command, info, name);
  return readTensorAttr(info);
}
