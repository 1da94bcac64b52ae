import { SmolvlmError } from '../../errors';
import type { BundleStage } from '../../model/bundle-manifest';
import type { StageRunner } from '../stage-runner';
import type { RknnContext } from './rknn-context';
import { type StageWatch, watchStage } from './stage-watch';

/** A stage in a context of its own; values go in and come out as float32, the library converts. */
export class RknnStage implements StageRunner {
  readonly #watch: StageWatch;
  readonly #elements: number;
  readonly #onClose: (stage: RknnStage) => void;
  readonly #openContext: () => Promise<RknnContext>;
  #context: RknnContext;
  #deviceMs: number | undefined;
  #closed = false;

  private constructor(
    readonly stage: BundleStage,
    context: RknnContext,
    openContext: () => Promise<RknnContext>,
    watch: StageWatch,
    onClose: (stage: RknnStage) => void,
  ) {
    this.#context = context;
    this.#openContext = openContext;
    this.#watch = watch;
    this.#elements = stage.input.shape.reduce((product, size) => product * size, 1);
    this.#onClose = onClose;
  }

  /** @param openContext called again by `reopen` */
  static async open(
    stage: BundleStage,
    openContext: () => Promise<RknnContext>,
    watch: StageWatch,
    onClose: (stage: RknnStage) => void,
  ): Promise<RknnStage> {
    return new RknnStage(stage, await openContext(), openContext, watch, onClose);
  }

  get context(): RknnContext {
    return this.#context;
  }

  /** A new context, bound to no memory. */
  async reopen(): Promise<void> {
    await this.#context.close();
    this.#context = await this.#openContext();
  }

  get deviceMs(): number | undefined {
    return this.#deviceMs;
  }

  async run(input: Float32Array, onSlow?: (ms: number) => void): Promise<Float32Array> {
    this.checkInput(input);
    const values = this.stage.input.dtype === 'uint8' ? Uint8Array.from(input) : input;
    const { output, npuMs } = await this.watched(this.context.run(values), onSlow);
    this.#deviceMs = npuMs;
    this.checkOutput(output);
    return output;
  }

  /** Runs on memory that the context's tensors are bound to. */
  async runBound(onSlow?: (ms: number) => void): Promise<void> {
    this.#deviceMs = await this.watched(this.context.runBound(), onSlow);
  }

  /** @throws SmolvlmError `stage-closed`, `stage-input` */
  checkInput(input: Float32Array): void {
    const { name, input: spec } = this.stage;
    if (this.#closed) throw new SmolvlmError('stage-closed', `stage ${name} was closed`);
    if (input.length === this.#elements) return;
    throw new SmolvlmError(
      'stage-input',
      `stage ${name}: expected ${this.#elements} values [${spec.shape}], received ${input.length}`,
    );
  }

  /** @throws SmolvlmError `stage-output` */
  checkOutput(output: Float32Array): void {
    if (output.every((value) => Number.isFinite(value))) return;
    throw new SmolvlmError(
      'stage-output',
      `stage ${this.stage.name}: the NPU gave values that are no numbers`,
      {
        hint: 'fp16 overflowed, or runtime and toolkit differ: run smolvlm validate on this machine.',
      },
    );
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose(this);
    await this.context.close();
  }

  private watched<T>(call: Promise<T>, onSlow?: (ms: number) => void): Promise<T> {
    return watchStage(this.stage.name, call, this.#watch, onSlow);
  }
}
