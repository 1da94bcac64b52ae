import { SmolvlmError } from '../../errors';
import { callbackStruct, inputType, runState } from './rkllm-abi';
import { RkllmLibrary } from './rkllm-library';

export interface RkllmSettings {
  readonly library?: string;
  /** Longest context in tokens; the file's own limit is set when it is converted. */
  readonly maxContext: number;
  /** The first IOMMU domain: 1 beside an RKNN vision model on RK3588 and RK3576 (the vendor's own choice). */
  readonly baseDomain?: number;
  /** Leaves the token embeddings on disk: less memory, a later first token. */
  readonly embedFlash?: boolean;
  /** Of the kernel driver, `x.y.z`; undefined when it cannot be read. */
  readonly driver?: string | undefined;
  /** A cancelled run that has not come back after this never does. */
  readonly lostMs?: number;
  readonly onLost?: (ms: number) => void;
}

export interface RkllmRun {
  readonly maxNewTokens: number;
  readonly signal?: AbortSignal;
  /** Pieces of the answer, whole characters. @returns whether the answer may go on */
  readonly onText?: (text: string) => boolean;
  readonly onToken?: (done: number, total: number) => void;
}

export interface RkllmAnswer {
  readonly text: string;
  /** As the library names them; one may stand for a part of a character. */
  readonly tokenIds: readonly number[];
  readonly finishReason: 'stop' | 'length';
}

/** Pictures for the vendor's own prompt. */
export interface MultimodalPrompt {
  /** With one `<image>` for each picture. */
  readonly prompt: string;
  /** [images × rowsPerImage, width] float32 */
  readonly rows: Float32Array;
  readonly rowsPerImage: number;
  readonly images: number;
  /** Pixels each side of the pictures given to the vision tower. */
  readonly imageSize: number;
}

/** Below it the runtime loads models and prints junk (rknn-llm#449, #290). */
const leastDriver = [0, 9, 8];

const defaultLostMs = 20_000;

/** A language model on the NPU through librkllmrt. One request at a time; others wait. */
export class RkllmDecoder {
  readonly name = 'rkllm';
  readonly #library: RkllmLibrary;
  readonly #settings: RkllmSettings;
  readonly #strings = new Map<string, bigint>();
  readonly #callback: bigint;
  #handle = 0n;
  #onResult: (result: bigint, state: number) => number = () => 0;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(library: RkllmLibrary, settings: RkllmSettings) {
    this.#library = library;
    this.#settings = settings;
    this.#callback = library.onResult((result, state) => this.#onResult(result, state));
  }

  /**
   * @param path the .rkllm file
   * @throws SmolvlmError `npu-driver-old`, `backend-rkllm-library`, `backend-rkllm-abi`, `decoder-load`
   */
  static async open(path: string, settings: RkllmSettings): Promise<RkllmDecoder> {
    checkDriver(settings.driver);
    const decoder = new RkllmDecoder(await RkllmLibrary.load(settings.library), settings);
    try {
      await decoder.#init(path);
      return decoder;
    } catch (error) {
      decoder.#release();
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
   * @throws SmolvlmError `decoder-run`; the signal's reason when aborted
   */
  answerRows(rows: Float32Array, width: number, run: RkllmRun): Promise<RkllmAnswer> {
    const { embed, input } = this.#library.layout;
    return this.#answer(run, rows, (struct, address) => {
      struct.writeInt32LE(inputType.embed, input.type);
      struct.writeBigUInt64LE(address, input.union + embed.rows);
      struct.writeBigUInt64LE(BigInt(rows.length / width), input.union + embed.count);
    });
  }

  /** The vendor's own prompt: its tokenizer, its template, pictures at `<image>`. */
  answerPictures(given: MultimodalPrompt, run: RkllmRun): Promise<RkllmAnswer> {
    const { multimodal: at, input } = this.#library.layout;
    return this.#answer(run, given.rows, (struct, address) => {
      const write = (value: bigint | number, offset: number): void =>
        void struct.writeBigUInt64LE(BigInt(value), input.union + offset);
      struct.writeInt32LE(inputType.multimodal, input.type);
      write(this.#string(given.prompt), at.prompt);
      write(address, at.rows);
      write(given.rowsPerImage, at.rowsPerImage);
      write(given.images, at.images);
      write(given.imageSize, at.width);
      write(given.imageSize, at.height);
      if (at.image) this.#writeImageTags(struct, input.union, at.image);
    });
  }

  /** The template around a user's turn, for `answerPictures`. */
  async setTemplate(prefix: string, postfix: string): Promise<void> {
    const status = await this.#library.call('rkllm_set_chat_template', this.#handle, '', prefix, postfix);
    if (status !== 0) throw runError('rkllm_set_chat_template', status);
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#last;
    await this.#library.call('rkllm_destroy', this.#handle);
    this.#release();
  }

  async #init(path: string): Promise<void> {
    const { param: at, extend } = this.#library.layout;
    const { maxContext, baseDomain = 1, embedFlash = false } = this.#settings;
    const param = this.#library.defaultParam();
    param.writeBigUInt64LE(this.#string(path), at.modelPath);
    param.writeInt32LE(Math.floor(maxContext / 32) * 32, at.maxContext);
    param.writeInt32LE(maxContext, at.maxNewTokens);
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
    const status = await this.#library.call('rkllm_init', out, param, third);
    if (status !== 0) {
      throw new SmolvlmError('decoder-load', `${path}: rkllm_init gave ${status}`, {
        hint: 'The file may be made for another chip or a newer runtime; the library’s own words are in the engine’s log.',
      });
    }
    this.#handle = out.readBigUInt64LE(0);
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

  #answer(
    run: RkllmRun,
    rows: Float32Array,
    fill: (input: Buffer, rowsAddress: bigint) => void,
  ): Promise<RkllmAnswer> {
    const result = this.#last.then(() => this.#run(run, rows, fill));
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #run(
    run: RkllmRun,
    rows: Float32Array,
    fill: (input: Buffer, rowsAddress: bigint) => void,
  ): Promise<RkllmAnswer> {
    if (this.#closed) throw new SmolvlmError('decoder-closed', 'the decoder was closed');
    run.signal?.throwIfAborted();
    const { input: at, infer } = this.#library.layout;
    const input = Buffer.alloc(at.size);
    input.writeBigUInt64LE(this.#string('user'), at.role);
    const inference = Buffer.alloc(infer.size);
    if (infer.maxNewTokens !== undefined) inference.writeInt32LE(run.maxNewTokens, infer.maxNewTokens);
    const held = this.#library.allocate(rows.byteLength);
    new Float32Array(held.memory).set(rows);
    fill(input, held.address);
    const collector = new AnswerCollector(this.#library, run, () => void this.#abort());
    this.#onResult = (result, state) => collector.take(result, state);
    const cancel = (): void => void this.#abort();
    run.signal?.addEventListener('abort', cancel, { once: true });
    try {
      const status = await this.#watched(
        this.#library.call('rkllm_run', this.#handle, input, inference, null),
        run,
      );
      run.signal?.throwIfAborted();
      if (status !== 0) throw runError('rkllm_run', status);
      return collector.answer();
    } finally {
      run.signal?.removeEventListener('abort', cancel);
      this.#onResult = () => 0;
      this.#library.release(held.address);
    }
  }

  /** A run that was cancelled and does not come back holds its thread and the NPU for good. */
  async #watched(call: Promise<number>, { signal }: RkllmRun): Promise<number> {
    const { lostMs = defaultLostMs, onLost } = this.#settings;
    let timer: NodeJS.Timeout | undefined;
    const watch = (): void => {
      timer = setTimeout(() => onLost?.(lostMs), lostMs);
    };
    if (signal?.aborted) watch();
    signal?.addEventListener('abort', watch, { once: true });
    try {
      return await call;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', watch);
    }
  }

  async #abort(): Promise<void> {
    await this.#library.call('rkllm_abort', this.#handle);
  }

  /** A C string that lives as long as the handle. */
  #string(text: string): bigint {
    const known = this.#strings.get(text);
    if (known !== undefined) return known;
    const bytes = Buffer.from(`${text}\0`);
    const { address, memory } = this.#library.allocate(bytes.length);
    new Uint8Array(memory).set(bytes);
    this.#strings.set(text, address);
    return address;
  }

  #release(): void {
    this.#library.forget(this.#callback);
    for (const address of this.#strings.values()) this.#library.release(address);
    this.#strings.clear();
  }
}

/** Pieces of one answer as they come from the library's thread. */
class AnswerCollector {
  readonly #library: RkllmLibrary;
  readonly #run: RkllmRun;
  readonly #stop: () => void;
  /** Pieces may end within a character. */
  readonly #decoder = new TextDecoder();
  readonly #tokenIds: number[] = [];
  #text = '';
  #stopped = false;
  #ended: 'finish' | 'error' | undefined;

  constructor(library: RkllmLibrary, run: RkllmRun, stop: () => void) {
    this.#library = library;
    this.#run = run;
    this.#stop = stop;
  }

  /** @returns 0: go on */
  take(result: bigint, state: number): number {
    const { size, text, token } = this.#library.layout.result;
    const struct = Buffer.from(this.#library.view(result, size));
    if (state === runState.finish || state === runState.error) {
      this.#ended = state === runState.finish ? 'finish' : 'error';
      return 0;
    }
    if (this.#stopped) return 0;
    const id = struct.readInt32LE(token);
    if (id >= 0) this.#tokenIds.push(id);
    this.#run.onToken?.(this.#tokenIds.length, this.#run.maxNewTokens);
    this.#say(this.#decoder.decode(this.#library.textAt(struct.readBigUInt64LE(text)), { stream: true }));
    // Up to 1.2 a run has no bound of its own.
    if (this.#tokenIds.length >= this.#run.maxNewTokens) this.#end();
    return 0;
  }

  answer(): RkllmAnswer {
    if (this.#ended !== 'finish' && !this.#stopped) {
      throw new SmolvlmError('decoder-run', 'the NPU’s decoder gave up in the middle of the answer', {
        hint: 'Its own words are in the engine’s log. A too long prompt is one reason: lower the detail or the number of pictures.',
      });
    }
    const rest = this.#decoder.decode();
    if (!this.#stopped) this.#say(rest);
    const full = this.#tokenIds.length >= this.#run.maxNewTokens;
    return { text: this.#text, tokenIds: this.#tokenIds, finishReason: full ? 'length' : 'stop' };
  }

  #say(text: string): void {
    if (text === '') return;
    this.#text += text;
    if (this.#run.onText?.(text) === false) this.#end();
  }

  #end(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#stop();
  }
}

function checkDriver(driver: string | undefined): void {
  if (driver === undefined) return;
  const parts = driver.split('.').map(Number);
  for (const [index, least] of leastDriver.entries()) {
    const part = parts[index] ?? 0;
    if (part > least) return;
    if (part < least) {
      throw new SmolvlmError(
        'npu-driver-old',
        `the NPU's driver is ${driver}, RKLLM needs ${leastDriver.join('.')}`,
        {
          hint: 'Update the board’s kernel image, or choose the decoder "cpu".',
        },
      );
    }
  }
}

function runError(call: string, status: number): SmolvlmError {
  return new SmolvlmError('decoder-run', `${call} gave ${status}`, {
    hint: 'The library’s own words are in the engine’s log.',
  });
}
