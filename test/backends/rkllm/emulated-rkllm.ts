import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { RkllmAbi } from '../../../src/backends/rkllm/rkllm-abi';
import { buildEmulator } from '../../../src/cli/bench/emulator/build-emulator';

/** A call that the emulated library noted, or a rule that was broken. */
export interface RkllmEvent {
  readonly init?: string;
  readonly top_k?: number;
  readonly skip_special?: number;
  readonly domain?: number;
  readonly context?: number;
  readonly embed_flash?: number;
  readonly run?: number;
  readonly keep_history?: number;
  readonly abort?: number;
  readonly live?: number;
  readonly tokens?: number;
  readonly violation?: string;
}

export const emulatedReleases: Readonly<Record<RkllmAbi, string>> = { '1.2': '1.2.3', '1.3': '1.3.0' };

export function emulatorDefines(
  abi: RkllmAbi,
  version = emulatedReleases[abi],
): Readonly<Record<string, string>> {
  return { RKLLM_ABI: abi.replace('.', ''), EMULATOR_VERSION: `"${version}"` };
}

/** An emulated librkllmrt of a release, with its own trace and file of faults. */
export class EmulatedRkllm {
  private constructor(
    readonly dir: string,
    readonly library: string,
    private readonly saved: ReadonlyMap<string, string | undefined>,
  ) {}

  static async create(
    abi: RkllmAbi,
    version = emulatedReleases[abi],
    more: Readonly<Record<string, string>> = {},
  ): Promise<EmulatedRkllm> {
    const defines = { ...emulatorDefines(abi, version), ...more };
    // A run of these tests in another process may bring its own, with sanitizers.
    const library = process.env.SMOLVLM_TEST_RKLLM_LIBRARY || (await buildEmulator('rkllm', { defines }));
    const dir = await mkdtemp(join(tmpdir(), 'smolvlm-rkllm-'));
    const all: Record<string, string> = {
      RKLLM_EMULATOR_TRACE: join(dir, 'trace'),
      RKLLM_EMULATOR_FAULTS: join(dir, 'faults'),
      SMOLVLM_RKLLM_LIBRARY: library,
    };
    const saved = new Map(Object.keys(all).map((name) => [name, process.env[name]]));
    Object.assign(process.env, all);
    return new EmulatedRkllm(dir, library, saved);
  }

  async faults(...lines: readonly string[]): Promise<void> {
    await writeFile(join(this.dir, 'faults'), `${lines.join('\n')}\n`);
  }

  async trace(): Promise<readonly RkllmEvent[]> {
    const text = await readFile(join(this.dir, 'trace'), 'utf8').catch(() => '');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as RkllmEvent);
  }

  /** Resolves when the library has noted such a call. */
  async traced(isIt: (event: RkllmEvent) => boolean): Promise<void> {
    while (!(await this.trace()).some(isIt)) await delay(5);
  }

  async forget(): Promise<void> {
    await rm(join(this.dir, 'trace'), { force: true });
  }

  async violations(): Promise<readonly string[]> {
    return (await this.trace()).flatMap(({ violation }) => violation ?? []);
  }

  async remove(): Promise<void> {
    for (const [name, value] of this.saved) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    await rm(this.dir, { recursive: true, force: true });
  }
}
