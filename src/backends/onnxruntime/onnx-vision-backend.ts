import { join } from 'node:path';
import { SmolvlmError } from '../../errors';
import type { BundleStage } from '../../model/bundle/bundle-manifest';
import { defined } from '../../system/defined';
import type { PipelineStage, StageRunner, VisionBackend } from '../stage-runner';
import type { BoundSession } from './bound-session';
import { linkedStages, OnnxStage } from './onnx-stage';
import { loadOnnxRuntime } from './onnxruntime-loader';
import { openBoundSession, type SessionDoor } from './open-bound-session';
import type { SessionSettings } from './session-options';

export interface OnnxVisionSettings extends SessionSettings {
  /** Default: the C API where it can be used. */
  readonly door?: SessionDoor;
}

/** Runs a bundle's stages with onnxruntime on the CPU; one session a stage. */
export class OnnxVisionBackend implements VisionBackend {
  readonly name = 'onnxruntime';
  readonly #settings: OnnxVisionSettings;
  readonly #open = new Set<OnnxStage>();

  private constructor(settings: OnnxVisionSettings) {
    this.#settings = settings;
  }

  /** @throws OnnxRuntimeLoadError when onnxruntime-node is not there */
  static async load(settings: OnnxVisionSettings = {}): Promise<OnnxVisionBackend> {
    await loadOnnxRuntime();
    return new OnnxVisionBackend(settings);
  }

  /** @throws SmolvlmError `stage-load` when the runtime refuses the graph, `stage-contract` when it is not the stage's */
  async openStage(bundleDir: string, stage: BundleStage): Promise<StageRunner> {
    const session = await this.#openSession(join(bundleDir, stage.file.path), stage);
    try {
      checkContract(session, stage);
    } catch (error) {
      await session.close();
      throw error;
    }
    const opened: OnnxStage = new OnnxStage(stage, session, () => this.#open.delete(opened));
    this.#open.add(opened);
    return opened;
  }

  /** A tile runs through all stages before the next one starts, so they share two buffers. */
  async link(stages: readonly StageRunner[]): Promise<readonly PipelineStage[]> {
    const own = stages.filter((stage) => stage instanceof OnnxStage);
    return (own.length === stages.length && linkedStages(own)) || stages;
  }

  async close(): Promise<void> {
    for (const stage of [...this.#open].reverse()) await stage.close();
  }

  async #openSession(path: string, stage: BundleStage): Promise<BoundSession> {
    const { door, ...settings } = this.#settings;
    try {
      return await openBoundSession(path, { ...settings, ...defined({ door }), role: 'stage' });
    } catch (cause) {
      throw new SmolvlmError('stage-load', `stage ${stage.name}: onnxruntime cannot load ${path}`, {
        hint: 'Prepare the bundle again; its files may come from another version of this package.',
        cause,
      });
    }
  }
}

/** @throws SmolvlmError `stage-contract` */
function checkContract({ signature }: BoundSession, stage: BundleStage): void {
  for (const [role, spec, values] of [
    ['input', stage.input, signature.inputs],
    ['output', stage.output, signature.outputs],
  ] as const) {
    const expected = `${spec.name}: ${spec.dtype} [${spec.shape}]`;
    const found = values.map(({ name, tensor }) =>
      tensor ? `${name}: ${tensor.dtype} [${tensor.shape}]` : name,
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
