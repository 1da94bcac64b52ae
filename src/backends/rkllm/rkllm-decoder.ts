import { SmolvlmError } from '../../errors';
import { Mutex } from '../../system/async/mutex';
import { callbackStruct, inputType, type RkllmAbi } from './rkllm-abi';
import { AnswerCollector, type RkllmAnswer, type RkllmRun } from './rkllm-answer';
import { checkDriver, checkPictures, checkRows, type MultimodalPrompt } from './rkllm-checks';
import { RkllmLibrary } from './rkllm-library';
import { type RunLimits, RunWatch, watchLoad } from './run-watch';

export type { MultimodalPrompt, RkllmAnswer, RkllmRun };

export interface RkllmSettings extends RunLimits {
  readonly library?: string;
  /** Structure layout of a library that does not report its release. */
  readonly abi?: RkllmAbi;
  /** Longest context in tokens; the file's own limit is set when it is converted. */
  readonly maxContext: number;
  /** The first IOMMU domain: 1 beside an RKNN vision model on RK3588 and RK3576 (the vendor's own choice). */
  readonly baseDomain?: number;
  /** Keeps the token embeddings on disk: less memory, a later first token. */
  readonly embedFlash?: boolean;
  /** Of the kernel driver, `x.y.z`; undefined when it cannot be read. */
  readonly driver?: string | undefined;
}

/** @param copy copies what the input points to besides the rows; freed after the run */
type FillInput = (input: Buffer, rowsAddress: bigint, copy: (bytes: Uint8Array) => bigint) => void;

/** A language model on the NPU, through librkllmrt. Runs one request at a time; others wait. */
export class RkllmDecoder {
  readonly name = 'rkllm';
  readonly #library: RkllmLibrary;
  readonly #settings: RkllmSettings;
  readonly #strings = new Map<string, bigint>();
  readonly #callback: bigint;
  readonly #mutex = new Mutex();
  #handle = 0n;
  #onResult: (result: bigint, state: number) => void = () => undefined;
  /** A run was given up and has not returned: the library still uses the handle. */
  #lost: SmolvlmError | undefined;
  #closed = false;

  private constructor(library: RkllmLibrary, settings: RkllmSettings) {
    this.#library = library;
    this.#settings = settings;
    this.#callback = library.onResult((result, state) => {
      this.#onResult(result, state);
      return 0;
    });
  }

  /**
   * @param path the .rkllm file
   * @throws SmolvlmError `npu-driver-old`, `backend-rkllm-library`, `backend-rkllm-abi`, `decoder-load`, `npu-lost`
   */
  static async open(path: string, settings: RkllmSettings): Promise<RkllmDecoder> {
    checkDriver(settings.driver);
    const decoder = new RkllmDecoder(await RkllmLibrary.load(settings.library, settings.abi), settings);
    try {
      await decoder.#init(path);
      return decoder;
    } catch (error) {
      // A lost call's memory is not freed: the library may still use it.
      if (!isLost(error)) decoder.#release();
      throw error;
    }
  }

  /** `x.y.z` of the library. */
  get version(): string | undefined {
    return this.#library.version;
  }

  /**
   * Greedy continuation of our own prompt: each row a token's embedding or an image row.
   * @param rows [tokens, width] float32
   * @throws SmolvlmError `decoder-rows`, `decoder-context`, `decoder-run`, `decoder-silent`, `npu-lost`; the signal's
   *   reason when aborted
   */
  async answerRows(rows: Float32Array, width: number, run: RkllmRun): Promise<RkllmAnswer> {
    const { embed, input } = this.#library.layout;
    const count = checkRows(rows, width, this.#context);
    const maxNewTokens = Math.min(run.maxNewTokens, this.#context - count);
    return this.#answer({ ...run, maxNewTokens }, rows, (struct, address) => {
      struct.writeInt32LE(inputType.embed, input.type);
      struct.writeBigUInt64LE(address, input.union + embed.rows);
      struct.writeBigUInt64LE(BigInt(count), input.union + embed.count);
    });
  }

  /** The vendor's own prompt: its tokenizer, its template, pictures at `<image>`. */
  async answerPictures(given: MultimodalPrompt, run: RkllmRun): Promise<RkllmAnswer> {
    checkPictures(given);
    const { multimodal: at, input } = this.#library.layout;
    return this.#answer(run, given.rows, (struct, address, copy) => {
      const write = (value: bigint | number, offset: number): void =>
        void struct.writeBigUInt64LE(BigInt(value), input.union + offset);
      struct.writeInt32LE(inputType.multimodal, input.type);
      write(copy(cString(given.prompt)), at.prompt);
      write(address, at.rows);
      write(given.rowsPerImage, at.rowsPerImage);
      write(given.images, at.images);
      write(given.imageSize, at.width);
      write(given.imageSize, at.height);
      if (at.image) this.#writeImageTags(struct, input.union, at.image);
    });
  }

  /** The template around a user's message, for `answerPictures`. */
  async setTemplate(prefix: string, postfix: string): Promise<void> {
    const status = await this.#library.call('rkllm_set_chat_template', this.#handle, '', prefix, postfix);
    if (status !== 0) throw runError('rkllm_set_chat_template', status);
  }

  /** Waits for the current run. A lost run's memory is not freed: the library may still use it. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#mutex.run(async () => {
      if (this.#lost) return;
      await this.#library.call('rkllm_destroy', this.#handle);
      this.#release();
    });
  }

  /** Tokens; the library needs a multiple of 32. */
  get #context(): number {
    return Math.floor(this.#settings.maxContext / 32) * 32;
  }

  async #init(path: string): Promise<void> {
    const { param: at, extend } = this.#library.layout;
    const { baseDomain = 1, embedFlash = false } = this.#settings;
    const param = this.#library.defaultParam();
    param.writeBigUInt64LE(this.#string(path), at.modelPath);
    param.writeInt32LE(this.#context, at.maxContext);
    param.writeInt32LE(this.#context, at.maxNewTokens);
    // Greedy, so that the same frame gives the same words.
    param.writeInt32LE(1, at.topK);
    param.writeFloatLE(1, at.repeatPenalty);
    param.writeUInt8(1, at.skipSpecialToken);
    param.writeInt32LE(baseDomain, at.extend + extend.baseDomain);
    param.writeInt8(embedFlash ? 1 : 0, at.extend + extend.embedFlash);
    if (at.image) this.#writeImageTags(param, 0, at.image);
    const callback = Buffer.alloc(callbackStruct.size);
    callback.writeBigUInt64LE(this.#callback, callbackStruct.result);
    const third = this.#library.abi === '1.2' ? this.#callback : callback;
    const out = Buffer.alloc(8);
    const loading = this.#library.call('rkllm_init', out, param, third);
    const status = await watchLoad(this.#settings, loading).catch((error: unknown) => {
      if (isLost(error)) void this.#discard(loading, out);
      throw error;
    });
    if (status !== 0) {
      throw new SmolvlmError('decoder-load', `${path}: rkllm_init returned ${status}`, {
        hint: 'The file may be for another chip or a newer runtime; the library’s own message is in the engine’s log.',
      });
    }
    this.#handle = out.readBigUInt64LE(0);
  }

  /** Frees a model whose load was given up, once it has loaded after all. */
  async #discard(loading: Promise<number>, handle: Buffer): Promise<void> {
    const status = await loading.catch(() => undefined);
    if (status === 0) await this.#library.call('rkllm_destroy', handle.readBigUInt64LE(0));
    this.#release();
  }

  /** The markers the checkpoint's own prompt has around a picture of one tile. */
  #writeImageTags(
    struct: Buffer,
    from: number,
    at: { readonly start: number; readonly end: number; readonly content: number },
  ): void {
    struct.writeBigUInt64LE(this.#string('<fake_token_around_image><global-img>'), from + at.start);
    struct.writeBigUInt64LE(this.#string('<fake_token_around_image>'), from + at.end);
    struct.writeBigUInt64LE(this.#string('<image>'), from + at.content);
  }

  #answer(run: RkllmRun, rows: Float32Array, fill: FillInput): Promise<RkllmAnswer> {
    return this.#mutex.run(() => this.#run(run, rows, fill));
  }

  async #run(run: RkllmRun, rows: Float32Array, fill: FillInput): Promise<RkllmAnswer> {
    if (this.#closed) throw new SmolvlmError('decoder-closed', 'the decoder was closed');
    if (this.#lost) throw this.#lost;
    run.signal?.throwIfAborted();
    const { input: at, infer } = this.#library.layout;
    const input = Buffer.alloc(at.size);
    input.writeBigUInt64LE(this.#string('user'), at.role);
    const inference = Buffer.alloc(infer.size);
    if (infer.maxNewTokens !== undefined) inference.writeInt32LE(run.maxNewTokens, infer.maxNewTokens);
    const held: bigint[] = [];
    const copy = (bytes: Uint8Array): bigint => {
      const address = this.#library.copy(bytes);
      held.push(address);
      return address;
    };
    fill(input, copy(new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength)), copy);
    const watch = new RunWatch(this.#settings, () => this.#library.call('rkllm_abort', this.#handle));
    const stop = (): void => watch.stop();
    const collector = new AnswerCollector(this.#library, run, stop);
    this.#onResult = (result, state) => {
      watch.onOutput();
      collector.take(result, state);
    };
    run.signal?.addEventListener('abort', stop, { once: true });
    const call = this.#library.call('rkllm_run', this.#handle, input, inference, null);
    try {
      const status = await watch.over(call);
      run.signal?.throwIfAborted();
      if (status !== 0 && !collector.stopped) throw runError('rkllm_run', status);
      return collector.answer();
    } catch (error) {
      if (isLost(error)) this.#lost = error;
      throw error;
    } finally {
      run.signal?.removeEventListener('abort', stop);
      this.#onResult = this.#lost ? () => watch.onOutput() : () => undefined;
      const free = (): void => {
        this.#lost = undefined;
        for (const address of held) this.#library.release(address);
      };
      if (this.#lost) call.then(free, free);
      else free();
    }
  }

  /** A C string that lives as long as the handle. */
  #string(text: string): bigint {
    const known = this.#strings.get(text);
    if (known !== undefined) return known;
    const address = this.#library.copy(cString(text));
    this.#strings.set(text, address);
    return address;
  }

  #release(): void {
    this.#library.forget(this.#callback);
    for (const address of this.#strings.values()) this.#library.release(address);
    this.#strings.clear();
  }
}

function cString(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}

function isLost(error: unknown): error is SmolvlmError {
  return error instanceof SmolvlmError && error.code === 'npu-lost';
}

function runError(call: string, status: number): SmolvlmError {
  return new SmolvlmError('decoder-run', `${call} returned ${status}`, {
    hint: 'The library’s own message is in the engine’s log.',
  });
}
