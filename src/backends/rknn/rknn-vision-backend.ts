import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { SmolvlmError } from '../../errors';
import type { BundleStage } from '../../model/bundle/bundle-manifest';
import { SharedNpuLock, type SharedNpuLockOptions } from '../../platform/npu/shared-npu-lock';
import { SystemFiles } from '../../platform/recording/system-files';
import { type GivenCores, npuTarget, type Soc, socOf, usableCores } from '../../platform/soc';
import type { NpuTarget } from '../../protocol/models/conversion-choices';
import { defined } from '../../system/defined';
import type { NpuSettings } from '../../system/settings';
import type { PipelineStage, StageRunner, VisionBackend } from '../stage-runner';
import { coreMask, type TensorAttr } from './rknn-abi';
import { RknnContext } from './rknn-context';
import { RknnLibrary } from './rknn-library';
import { RknnStage } from './rknn-stage';
import { shareScratch } from './shared-scratch';
import { chainStages } from './stage-chain';
import { type StageWatch, StageWatchdog } from './stage-watch';

/** A process's settings for the NPU. */
export function npuAccess({
  lockPath,
  library,
  cores,
}: NpuSettings): Pick<RknnSettings, 'lockPath' | 'library' | 'cores'> {
  return { lockPath, ...defined({ library, cores }) };
}

export interface RknnSettings extends SharedNpuLockOptions {
  /** The chip the stages were made for; any other one is refused. */
  readonly target?: NpuTarget;
  /** The library to load; default: found by `RknnLibrary.load`. */
  readonly library?: string;
  /** NPU cores to use; default: those of the chip. */
  readonly cores?: GivenCores;
  /** Each stage reads the stream where the NPU wrote it; verified at load, else not used. */
  readonly zeroCopy?: boolean;
  /** Stages of one core share one scratch memory. */
  readonly sharedScratch?: boolean;
  /** Called with the reason when `zeroCopy` is not possible; the safe path is used then. */
  readonly onRefused?: (why: string) => void;
  /** Called for a stage that takes too long or does not return. */
  readonly watch?: StageWatch;
}

/** Runs a bundle's stages on the NPU through librknnrt: one context per stage, one process per machine. */
export class RknnVisionBackend implements VisionBackend {
  /** NPU cores that core masks may name; none if unknown: the driver chooses. */
  readonly #usable: readonly number[];
  readonly #hold: SharedNpuLock;
  readonly name = 'rknn';
  readonly #open = new Set<RknnStage>();
  readonly #options: RknnSettings;
  readonly #watchdog: StageWatchdog;

  private constructor(
    readonly library: RknnLibrary,
    usable: readonly number[],
    hold: SharedNpuLock,
    options: RknnSettings,
  ) {
    this.#usable = usable;
    this.#hold = hold;
    this.#options = options;
    this.#watchdog = new StageWatchdog(options.watch);
  }

  /**
   * @throws SmolvlmError `backend-npu-target` for stages of another chip, `backend-rknn-library`, `backend-koffi`,
   *   `npu-busy` naming who holds the NPU
   */
  static async load(settings: RknnSettings = {}): Promise<RknnVisionBackend> {
    const files = new SystemFiles();
    const soc = socOf(files);
    checkTarget(soc, settings.target);
    const cores = usableCores(files, settings.cores);
    const library = await RknnLibrary.load(settings.library);
    return new RknnVisionBackend(library, cores, await SharedNpuLock.take(settings), settings);
  }

  /** How many cores; 0 if unknown. */
  get cores(): number {
    return this.#usable.length;
  }

  async openStage(bundleDir: string, stage: BundleStage): Promise<StageRunner> {
    const opened = await this.#openStage(join(bundleDir, stage.file.path), stage);
    this.#open.add(opened);
    return opened;
  }

  /**
   * Gives stages of one core one scratch memory, and stages that follow each other the memory between them, where
   * these options are on.
   */
  async link(stages: readonly StageRunner[]): Promise<readonly PipelineStage[]> {
    const own = stages.filter((stage) => stage instanceof RknnStage);
    if (own.length < stages.length) return stages;
    if (this.#options.sharedScratch) await shareScratch(own);
    if (!this.#options.zeroCopy) return stages;
    const chained = await chainStages(own, (why) => this.#options.onRefused?.(why));
    if (chained) return chained;
    // Bound contexts do not accept values.
    for (const stage of own) await stage.reopen();
    if (this.#options.sharedScratch) await shareScratch(own);
    return stages;
  }

  async #openStage(path: string, stage: BundleStage): Promise<RknnStage> {
    await checkMagic(path, stage);
    const core = stage.core === undefined ? undefined : this.#usable[stage.core % this.cores];
    const placed = core === undefined ? withoutCore(stage) : { ...stage, core };
    const open = async (): Promise<RknnContext> => {
      const context = await RknnContext.open(this.library, {
        name: stage.name,
        path,
        coreMask: coreMask(core),
        sharedScratch: this.#options.sharedScratch === true,
      });
      try {
        checkContract(context, stage);
        return context;
      } catch (error) {
        await context.close();
        throw error;
      }
    };
    return RknnStage.open(placed, open, this.#watchdog, (closed) => this.#open.delete(closed));
  }

  /** Does not wait for a call that was given up: until it returns or the process ends, this process keeps the NPU. */
  async close(): Promise<void> {
    if (this.#watchdog.lost) void this.#watchdog.back().then(() => this.#release());
    else await this.#release();
  }

  async #release(): Promise<void> {
    for (const runner of [...this.#open].reverse()) await runner.close();
    await this.#hold.release();
  }
}

/** An unknown chip (an emulator's host) is left to the library. */
function checkTarget(soc: Soc, target: RknnSettings['target']): void {
  const fitting = npuTarget(soc);
  if (target === undefined || fitting === undefined || fitting === target) return;
  throw new SmolvlmError('backend-npu-target', `the bundle was made for ${target}, this chip is ${soc.id}`, {
    hint: `Convert the checkpoint again with --target ${fitting}.`,
  });
}

/** The driver then chooses the core of each stage. */
function withoutCore({ core: _, ...stage }: BundleStage): BundleStage {
  return stage;
}

/** Some releases of the library crash on a wrong or truncated file, so it is checked first. */
async function checkMagic(path: string, stage: BundleStage): Promise<void> {
  const file = await open(path, 'r');
  try {
    const magic = Buffer.alloc(4);
    await file.read(magic, 0, 4, 0);
    if (magic.toString('latin1') === 'RKNN') return;
  } finally {
    await file.close();
  }
  throw new SmolvlmError('stage-load', `stage ${stage.name}: ${path} is not an .rknn file`, {
    hint: 'Install or copy the bundle again.',
  });
}

/** @throws SmolvlmError `stage-contract` */
function checkContract(context: RknnContext, stage: BundleStage): void {
  for (const [role, spec, attr] of [
    ['input', stage.input, context.input],
    ['output', stage.output, context.output],
  ] as const) {
    if (shape(attr) === spec.shape.join()) continue;
    throw new SmolvlmError(
      'stage-contract',
      `stage ${stage.name}: expected the ${role} [${spec.shape}], the file has [${shape(attr)}]`,
      { hint: 'The stage file belongs to another model; convert the bundle again.' },
    );
  }
}

function shape({ dims }: TensorAttr): string {
  return dims.join();
}
