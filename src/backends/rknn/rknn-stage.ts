import { SmolvlmError } from '../../errors';
import type { BundleStage } from '../../model/bundle/bundle-manifest';
import type { StageRunner } from '../stage-runner';
import type { RknnContext } from './rknn-context';
import type { StageWatchdog } from './stage-watch';

/** A stage in its own context. Input and output are float32; the library converts. */
export class RknnStage implements StageRunner {
  readonly #watchdog: StageWatchdog;
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
    watchdog: StageWatchdog,
    onClose: (stage: RknnStage) => void,
  ) {
    this.#context = context;
    this.#openContext = openContext;
    this.#watchdog = watchdog;
    this.#elements = stage.input.shape.reduce((product, size) => product * size, 1);
    this.#onClose = onClose;
  }

  /** @param openContext called again by `reopen` */
  static async open(
    stage: BundleStage,
    openContext: () => Promise<RknnContext>,
    watchdog: StageWatchdog,
    onClose: (stage: RknnStage) => void,
  ): Promise<RknnStage> {
    const opening = openContext();
    try {
      const context = await watchdog.load(stage.name, opening);
      return new RknnStage(stage, context, openContext, watchdog, onClose);
    } catch (error) {
      // A call that was given up may return after all.
      opening.then(
        (context) => context.close(),
        () => undefined,
      );
      throw error;
    }
  }

  get context(): RknnContext {
    return this.#context;
  }

  /** A new context, bound to no memory. */
  async reopen(): Promise<void> {
    await this.#context.close();
    this.#context = await this.#watchdog.load(this.stage.name, this.#openContext());
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
      `stage ${this.stage.name}: the NPU returned values that are not numbers`,
      {
        hint: 'fp16 overflowed, or runtime and toolkit differ: run smolvlm validate on this machine.',
      },
    );
  }

  /** Waits for the current run. If it is lost, this returns at once and the backend closes the stage when the run returns. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#watchdog.lost) return;
    this.#onClose(this);
    await this.context.close();
  }

  private watched<T>(call: Promise<T>, onSlow?: (ms: number) => void): Promise<T> {
    return this.#watchdog.run(this.stage.name, call, onSlow);
  }
}
