import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type RknnSettings, RknnVisionBackend } from '../../../src/backends/rknn/rknn-vision-backend';
import { buildEmulator, type EmulatorBuild } from '../../../src/cli/bench/emulator/build-emulator';
import { setEnvironment } from '../../environment';

/** One run of a stage, or a rule that was broken. */
export interface TraceEvent {
  readonly context?: number;
  readonly stage?: string;
  /** As `rknn_set_core_mask` was given it. */
  readonly mask?: number;
  /** The one that ran the stage. */
  readonly core?: number;
  /** Microseconds. */
  readonly start?: number;
  readonly end?: number;
  readonly violation?: string;
  /** Whether the vendor's library refuses it as well. */
  readonly rule?: 'ours' | 'vendor';
  /** A stage that does not return while the fault `hang` lasts. */
  readonly hung?: string;
  readonly destroyed?: number;
  readonly memories?: number;
}

/** An emulated NPU with its own trace, file of faults and lock. */
export class EmulatedNpu {
  private constructor(
    readonly dir: string,
    readonly library: string,
    private readonly restore: () => void,
  ) {}

  static async create(
    environment: Record<string, string> = {},
    build: EmulatorBuild = {},
  ): Promise<EmulatedNpu> {
    // A run of these tests in another process may bring its own, e.g. with sanitizers.
    const library = process.env.SMOLVLM_TEST_RKNN_LIBRARY || (await buildEmulator('rknn', build));
    const dir = await mkdtemp(join(tmpdir(), 'smolvlm-npu-'));
    const all: Record<string, string> = {
      RKNN_EMULATOR_TRACE: join(dir, 'trace'),
      RKNN_EMULATOR_FAULTS: join(dir, 'faults'),
      SMOLVLM_NPU_LOCK: join(dir, 'lock'),
      SMOLVLM_RKNN_LIBRARY: library,
      ...environment,
    };
    return new EmulatedNpu(dir, library, setEnvironment(all));
  }

  open(settings: RknnSettings = {}): Promise<RknnVisionBackend> {
    return RknnVisionBackend.load({ cores: 3, ...settings });
  }

  /** @param lines e.g. `run -2`, `nan`; none: no faults */
  async faults(...lines: readonly string[]): Promise<void> {
    await writeFile(join(this.dir, 'faults'), `${lines.join('\n')}\n`);
  }

  async trace(): Promise<readonly TraceEvent[]> {
    const text = await readFile(join(this.dir, 'trace'), 'utf8').catch(() => '');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as TraceEvent);
  }

  /** Resolves when a stage hangs. @returns its name */
  async hung(): Promise<string> {
    for (;;) {
      const name = (await this.trace()).find(({ hung }) => hung !== undefined)?.hung;
      if (name !== undefined) return name;
      await delay(5);
    }
  }

  /** Rules of the interface that were broken. */
  async violations(): Promise<readonly string[]> {
    return (await this.trace()).flatMap(({ violation }) => (violation === undefined ? [] : [violation]));
  }

  async forget(): Promise<void> {
    await rm(join(this.dir, 'trace'), { force: true });
  }

  async remove(): Promise<void> {
    this.restore();
    await rm(this.dir, { recursive: true, force: true });
  }
}
