import { join } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import { SmolvlmError } from '../../errors';
import type { BundleStage, TensorSpec } from '../../model/bundle/bundle-manifest';
import type { StageRunner, VisionBackend } from '../stage-runner';
import { loadOnnxRuntime, type OnnxRuntime } from './onnxruntime-loader';
import { type SessionSettings, sessionOptions } from './session-options';

/** Runs a bundle's stages with onnxruntime on the CPU; one session a stage. */
export class OnnxVisionBackend implements VisionBackend {
  readonly name = 'onnxruntime';
  readonly #runtime: OnnxRuntime;
  readonly #settings: SessionSettings;
  readonly #open = new Set<StageRunner>();

  private constructor(runtime: OnnxRuntime, settings: SessionSettings) {
    this.#runtime = runtime;
    this.#settings = settings;
  }

  /** @throws OnnxRuntimeLoadError when onnxruntime-node is not there */
  static async load(settings: SessionSettings = {}): Promise<OnnxVisionBackend> {
    return new OnnxVisionBackend(await loadOnnxRuntime(), settings);
  }

  /** @throws SmolvlmError `stage-load` when the runtime refuses the graph, `stage-contract` when it is not the stage's */
  async openStage(bundleDir: string, stage: BundleStage): Promise<StageRunner> {
    const path = join(bundleDir, stage.file.path);
    const session = await this.#createSession(path, stage);
    try {
      checkContract(session, stage);
    } catch (error) {
      await session.release();
      throw error;
    }
    let running: Promise<unknown> = Promise.resolve();
    const runner: StageRunner = {
      stage,
      run: async (input) => {
        if (!this.#open.has(runner)) throw closed(stage);
        const output = runStage(this.#runtime, session, stage, input);
        running = output.catch(() => undefined);
        return output;
      },
      close: async () => {
        if (!this.#open.delete(runner)) return;
        await running;
        await session.release();
      },
    };
    this.#open.add(runner);
    return runner;
  }

  async close(): Promise<void> {
    for (const runner of [...this.#open].reverse()) await runner.close();
  }

  async #createSession(path: string, stage: BundleStage): Promise<InferenceSession> {
    try {
      return await this.#runtime.InferenceSession.create(path, sessionOptions(this.#settings));
    } catch (cause) {
      throw new SmolvlmError('stage-load', `stage ${stage.name}: onnxruntime cannot load ${path}`, {
        hint: 'Prepare the bundle again; its files may come from another version of this package.',
        cause,
      });
    }
  }
}

async function runStage(
  runtime: OnnxRuntime,
  session: InferenceSession,
  stage: BundleStage,
  input: Float32Array,
): Promise<Float32Array> {
  const expected = elementCount(stage.input);
  if (input.length !== expected) {
    throw new SmolvlmError(
      'stage-input',
      `stage ${stage.name}: expected ${expected} values [${stage.input.shape}], received ${input.length}`,
    );
  }
  const tensor = new runtime.Tensor('float32', input, stage.input.shape);
  const results = await session.run({ [stage.input.name]: tensor });
  const data = results[stage.output.name]?.data;
  if (!(data instanceof Float32Array)) {
    throw new SmolvlmError(
      'stage-output',
      `stage ${stage.name}: did not return a float32 "${stage.output.name}"`,
    );
  }
  return data;
}

function closed(stage: BundleStage): SmolvlmError {
  return new SmolvlmError('stage-closed', `stage ${stage.name} was closed`);
}

/** @throws SmolvlmError `stage-contract` */
function checkContract(session: InferenceSession, stage: BundleStage): void {
  for (const [role, spec, metadata] of [
    ['input', stage.input, session.inputMetadata],
    ['output', stage.output, session.outputMetadata],
  ] as const) {
    const expected = `${spec.name}: ${spec.dtype} [${spec.shape}]`;
    const found = metadata.map((value) =>
      value.isTensor ? `${value.name}: ${value.type} [${value.shape}]` : value.name,
    );
    if (found.length !== 1 || found[0] !== expected) {
      throw new SmolvlmError(
        'stage-contract',
        `stage ${stage.name}: expected the ${role} ${expected}, the graph has ${found.join('; ') || 'none'}`,
        { hint: 'The stage file belongs to another model; prepare the bundle again.' },
      );
    }
  }
}

function elementCount(spec: TensorSpec): number {
  return spec.shape.reduce((product, size) => product * size, 1);
}
