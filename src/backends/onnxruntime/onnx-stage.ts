import { SmolvlmError } from '../../errors';
import type { BundleStage, TensorSpec } from '../../model/bundle/bundle-manifest';
import type { PipelineStage, StageRunner } from '../stage-runner';
import type { Binding, BoundSession } from './bound-session';

/** A stage with its session. */
export class OnnxStage implements StageRunner {
  readonly stage: BundleStage;
  readonly #session: BoundSession;
  readonly #onClose: () => void;
  #closed = false;

  constructor(stage: BundleStage, session: BoundSession, onClose: () => void) {
    this.stage = stage;
    this.#session = session;
    this.#onClose = onClose;
  }

  async run(input: Float32Array): Promise<Float32Array> {
    this.#check(input);
    const output = new Float32Array(elementCount(this.stage.output));
    const binding = this.#bind(input, output);
    try {
      await binding.run();
    } finally {
      binding.close();
    }
    return output;
  }

  /**
   * The stage with fixed memory for its input and output, which other stages may share.
   * @param isLast its output is copied and belongs to the caller; another's is valid until that memory is written again
   */
  linked(input: Float32Array, output: Float32Array, isLast: boolean): PipelineStage {
    const binding = this.#bind(input, output);
    return {
      stage: this.stage,
      run: async (values = input) => {
        this.#check(values);
        if (values !== input) input.set(values);
        await binding.run();
        return isLast ? output.slice() : output;
      },
    };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose();
    await this.#session.close();
  }

  #bind(input: Float32Array, output: Float32Array): Binding {
    const { stage } = this;
    return this.#session.bind(
      { [stage.input.name]: { data: input, shape: stage.input.shape } },
      { [stage.output.name]: { data: output, shape: stage.output.shape } },
    );
  }

  #check(input: Float32Array): void {
    const { name, input: spec } = this.stage;
    if (this.#closed) throw new SmolvlmError('stage-closed', `stage ${name} was closed`);
    const expected = elementCount(spec);
    if (input.length !== expected) {
      throw new SmolvlmError(
        'stage-input',
        `stage ${name}: expected ${expected} values [${spec.shape}], received ${input.length}`,
      );
    }
  }
}

/**
 * Lets a tower's stages pass the residual stream in two buffers: each stage reads one and writes the other.
 * @returns undefined when their sizes differ
 */
export function linkedStages(stages: readonly OnnxStage[]): readonly PipelineStage[] | undefined {
  const sizes = new Set(stages.flatMap(({ stage }) => [stage.input, stage.output].map(elementCount)));
  const [size] = sizes;
  if (sizes.size !== 1 || size === undefined) return undefined;
  const memory = [new Float32Array(size), new Float32Array(size)] as const;
  return stages.map((stage, index) => {
    const [input, output] = index % 2 === 0 ? memory : [memory[1], memory[0]];
    return stage.linked(input, output, index === stages.length - 1);
  });
}

function elementCount(spec: TensorSpec): number {
  return spec.shape.reduce((product, size) => product * size, 1);
}
