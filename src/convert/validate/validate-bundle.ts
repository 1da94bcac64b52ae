import { join } from 'node:path';
import type { StageRunner, VisionBackend } from '../../backends/stage-runner';
import { SmolvlmError } from '../../errors';
import { verifyBundleFile } from '../../model/bundle/bundle-file';
import { type BundleStage, type Precision, visionGranularities } from '../../model/bundle/bundle-manifest';
import type { Bundle } from '../../model/bundle/read-bundle';
import { readModelConfigs } from '../../model/checkpoint/checkpoint';
import { type VisionStagePlan, visionStages } from '../../onnx/vision/vision-stages';
import { defined } from '../../system/defined';
import { openVisionTower } from '../../vision/open-vision-tower';
import { type Agreement, agreement } from '../npu/agreement';
import { inputOf, outputOf } from '../npu/npu-stage-build';
import type { CosineBounds } from '../npu/npu-stage-part';
import { ValidationReference } from '../npu/reference-activations';

/** One stage against the float32 reference. */
export interface StageValidation {
  readonly name: string;
  readonly precision: Precision;
  /** Given the reference's input. */
  readonly cosine: number;
  /** Given the output of the stages before it for the frame. */
  readonly accumulatedCosine: number;
  /** Given the reference's input; of the unscaled stream. */
  readonly maxAbsError: number;
  readonly pass: boolean;
}

export interface BundleValidation {
  readonly pass: boolean;
  readonly backend: string;
  readonly bounds: CosineBounds;
  /** Of the decoder's input rows: patches, all stages and the connector. */
  readonly endToEndCosine: number;
  readonly stages: readonly StageValidation[];
}

export interface ValidationControl {
  readonly signal?: AbortSignal;
  /** A stage has been run. */
  readonly onStage?: (name: string, done: number, total: number) => void;
}

/**
 * Runs the bundle's own reference frame through its stages: each alone on the reference's input, and all of them
 * one after the other from the pixels to the rows for the decoder.
 * @throws SmolvlmError `bundle-no-reference`; what opening or running the stages throws
 */
export async function validateBundle(
  bundle: Bundle,
  backend: VisionBackend,
  bounds: CosineBounds,
  control: ValidationControl = {},
): Promise<BundleValidation> {
  const { validation, stages } = bundle.manifest;
  if (!validation) {
    throw new SmolvlmError(
      'bundle-no-reference',
      `${bundle.dir} does not contain a reference to compare with`,
      {
        hint: 'Convert it again with smolvlm convert, which adds one.',
      },
    );
  }
  await verifyBundleFile(bundle.dir, validation);
  const reference = await ValidationReference.open(join(bundle.dir, validation.path));
  const recorder = new RunnerRecorder(backend);
  try {
    const tower = await openVisionTower(bundle, recorder);
    try {
      const plans = await stagePlans(bundle);
      const accumulated = new Map<string, Promise<Agreement>>();
      const { signal, onStage } = control;
      let done = 0;
      const compare = async (name: string, values: Float32Array): Promise<Agreement> =>
        agreement(values, await reference.read(name));
      const { rows } = await tower.encode([await reference.read('pixel_values')], {
        ...defined({ signal }),
        onProgress: ({ stage }) => onStage?.(stage, ++done, stages.length * 2),
        activations: (name, _tile, values) => {
          const plan = plans.get(name);
          if (plan) accumulated.set(name, compare(outputOf(plan), values));
        },
      });
      const validated: StageValidation[] = [];
      for (const [index, stage] of stages.entries()) {
        signal?.throwIfAborted();
        const alone = await runAlone(recorder.runner(stage.name), bundle, plans, reference);
        const inStream = await (accumulated.get(stage.name) ?? Promise.reject(noPlan(stage.name)));
        validated.push(stageValidation(stage, alone, inStream, bounds, index === stages.length - 1));
        onStage?.(stage.name, ++done, stages.length * 2);
      }
      const endToEnd = await compare('connector', rows);
      return {
        pass: validated.every(({ pass }) => pass) && endToEnd.cosine >= bounds.tower,
        backend: backend.name,
        bounds,
        endToEndCosine: endToEnd.cosine,
        stages: validated,
      };
    } finally {
      await tower.close();
    }
  } finally {
    await reference.close();
  }
}

function stageValidation(
  { name, precision }: BundleStage,
  alone: Agreement,
  inStream: Agreement,
  bounds: CosineBounds,
  last: boolean,
): StageValidation {
  return {
    name,
    precision,
    cosine: alone.cosine,
    accumulatedCosine: inStream.cosine,
    maxAbsError: alone.maxAbsError,
    pass: alone.cosine >= bounds.stage && (!last || inStream.cosine >= bounds.tower),
  };
}

async function runAlone(
  runner: StageRunner,
  { manifest }: Bundle,
  plans: ReadonlyMap<string, VisionStagePlan>,
  reference: ValidationReference,
): Promise<Agreement> {
  const plan = plans.get(runner.stage.name);
  if (!plan) throw noPlan(runner.stage.name);
  const input = (await reference.read(inputOf(plan))).map((value) => value * manifest.residualScale);
  const output = (await runner.run(input)).map((value) => value / manifest.residualScale);
  return agreement(output, await reference.read(outputOf(plan)));
}

/** Which half-layers each stage is, by its name. */
async function stagePlans({ dir }: Bundle): Promise<ReadonlyMap<string, VisionStagePlan>> {
  const { layers } = (await readModelConfigs(dir)).config.vision;
  const plans = visionGranularities.flatMap((granularity) => visionStages(layers, granularity));
  return new Map(plans.map((plan) => [plan.name, plan]));
}

function noPlan(name: string): SmolvlmError {
  return new SmolvlmError('stage-contract', `${name} cannot be compared: its layers are unknown`);
}

/** Opens stages in a backend and keeps their runners. */
class RunnerRecorder implements VisionBackend {
  readonly #backend: VisionBackend;
  readonly name: string;
  readonly #runners = new Map<string, StageRunner>();

  constructor(backend: VisionBackend) {
    this.#backend = backend;
    this.name = backend.name;
  }

  runner(name: string): StageRunner {
    const runner = this.#runners.get(name);
    if (!runner) throw noPlan(name);
    return runner;
  }

  async openStage(bundleDir: string, stage: BundleStage): Promise<StageRunner> {
    const runner = await this.#backend.openStage(bundleDir, stage);
    this.#runners.set(stage.name, runner);
    return runner;
  }

  async close(): Promise<void> {
    // The caller closes the backend.
  }
}
