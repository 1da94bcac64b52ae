import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { StageRunner, VisionBackend } from '../../backends/stage-runner';
import { SmolvlmError } from '../../errors';
import type { BundleConversion, BundleStage } from '../../model/bundle/bundle-manifest';
import { cacheFolder } from '../../model/cache-folder';
import { visionStages } from '../../onnx/vision/vision-stages';
import { makeFolder } from '../../system/files/make-folder';
import { buildNpuStage, type NpuPrecision, type NpuTower } from '../npu/npu-stage-build';
import { type Toolkit, ToolkitWorker } from '../toolkit/toolkit-worker';

/**
 * Runs an NPU bundle's stages in the toolkit's simulator. A finished .rknn file cannot be simulated, so each stage
 * is built again from the checkpoint that the bundle was made from; all of them stay in one worker (about 0.15 GB per
 * half-layer of SmolVLM-256M).
 */
export class SimulatorBackend implements VisionBackend {
  readonly #worker: ToolkitWorker;
  readonly #dir: string;
  readonly #tower: NpuTower;
  readonly #granularity: BundleConversion['granularity'];
  readonly #onStage: (name: string) => void;
  readonly name = 'simulator';
  #owned: (() => Promise<void>) | undefined;

  private constructor(
    worker: ToolkitWorker,
    dir: string,
    tower: NpuTower,
    granularity: BundleConversion['granularity'],
    onStage: (name: string) => void,
  ) {
    this.#worker = worker;
    this.#dir = dir;
    this.#tower = tower;
    this.#granularity = granularity;
    this.#onStage = onStage;
  }

  /** @throws what starting the worker throws */
  static async start(
    toolkit: Toolkit,
    tower: NpuTower,
    granularity: BundleConversion['granularity'],
    onStage: (name: string) => void = () => undefined,
  ): Promise<SimulatorBackend> {
    const dir = await mkdtemp(join(tmpdir(), 'smolvlm-simulator-'));
    try {
      // Kept after the simulator is closed: an error may refer to it.
      const logFile = join(cacheFolder(), 'toolkit', 'simulator.log');
      await makeFolder(dirname(logFile));
      await writeFile(logFile, '');
      const worker = await ToolkitWorker.start({ toolkit, logFile });
      return new SimulatorBackend(worker, dir, tower, granularity, onStage);
    } catch (error) {
      await rm(dir, { recursive: true, force: true });
      throw error;
    }
  }

  /** Passes on something to close with the backend, e.g. the checkpoint of its stages. */
  owning(close: () => Promise<void>): this {
    this.#owned = close;
    return this;
  }

  async openStage(_bundleDir: string, stage: BundleStage): Promise<StageRunner> {
    const plan = visionStages(this.#tower.shape.layers, this.#granularity).find(
      ({ name }) => name === stage.name,
    );
    if (!plan) {
      throw new SmolvlmError('stage-contract', `the checkpoint has no stage ${stage.name}`, {
        hint: 'The bundle was made from another checkpoint.',
      });
    }
    this.#onStage(stage.name);
    const path = join(this.#dir, `${stage.name}.rknn`);
    const precision: NpuPrecision = stage.precision === 'int8' ? 'int8' : 'fp16';
    const { model } = await buildNpuStage(this.#worker, plan, precision, this.#tower, path);
    await rm(path);
    return new SimulatedStage(this.#worker, model, stage);
  }

  async close(): Promise<void> {
    await this.#worker[Symbol.asyncDispose]();
    await rm(this.#dir, { recursive: true, force: true });
    await this.#owned?.();
  }
}

class SimulatedStage implements StageRunner {
  readonly #worker: ToolkitWorker;
  readonly #model: string;
  #closed = false;

  constructor(
    worker: ToolkitWorker,
    model: string,
    readonly stage: BundleStage,
  ) {
    this.#worker = worker;
    this.#model = model;
  }

  async run(input: Float32Array): Promise<Float32Array> {
    const { name, shape } = { name: this.stage.name, shape: this.stage.input.shape };
    if (this.#closed) throw new SmolvlmError('stage-closed', `${name} was closed`);
    const expected = shape.reduce((product, size) => product * size, 1);
    if (input.length !== expected) {
      throw new SmolvlmError('stage-input', `${name}: expected ${expected} values, received ${input.length}`);
    }
    return this.#worker.simulate(this.#model, input, shape);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#worker.release(this.#model);
  }
}
