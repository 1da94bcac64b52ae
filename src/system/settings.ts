import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { SmolvlmError } from '../errors';
import { defined } from './defined';

/** How this machine's NPU is used. Absent values: the default of the part that uses them. */
export interface NpuSettings {
  /** `SMOLVLM_NPU_LOCK`: the lock file by which the processes of this machine share the NPU. */
  readonly lockPath: string;
  /** `SMOLVLM_RKNN_LIBRARY`: the librknnrt to load, and no other. */
  readonly library?: string;
  /** `SMOLVLM_NPU_CORES`: number of NPU cores, 1 to 8, where driver and chip do not determine it; or a list of cores. */
  readonly cores?: number | readonly number[];
  /** `SMOLVLM_NPU_SHARING`: what to do while another program uses the NPU. */
  readonly sharing?: 'share' | 'cpu' | 'refuse';
  /** `SMOLVLM_NPU_SLOW_MS`: a stage that runs longer is reported as slow. */
  readonly slowMs?: number;
  /** `SMOLVLM_NPU_LOST_MS`: a stage that runs longer, or a decoder that has not stopped by then, is given up. */
  readonly lostMs?: number;
  /** `SMOLVLM_NPU_SILENCE_MS`: a decoder that gives no token for longer is told to stop. */
  readonly silenceMs?: number;
  /** `SMOLVLM_NPU_ZERO_COPY`: a stage reads its input where the stage before wrote it. */
  readonly zeroCopy: boolean;
  /** `SMOLVLM_NPU_SHARED_SCRATCH`: the stages of one core share one scratch memory. */
  readonly sharedScratch: boolean;
}

/** How the vendor's decoder runtime is used. */
export interface RkllmSettings {
  /** `SMOLVLM_RKLLM_LIBRARY`: the librkllmrt to load, and no other. */
  readonly library?: string;
  /** `SMOLVLM_RKLLM_ABI`: the structure layout of a librkllmrt that does not tell its release. */
  readonly abi?: '1.2' | '1.3';
  /** `SMOLVLM_RKLLM_INPUT`: `embed` gives the decoder our own rows, `multimodal` the vendor's own prompt. */
  readonly input: 'embed' | 'multimodal';
  /** `SMOLVLM_RKLLM_EMBED_FLASH`: token embeddings stay on disk. */
  readonly embedFlash: boolean;
}

/** All that a process takes from its environment. */
export interface Settings {
  /** `SMOLVLM_CACHE`, else `XDG_CACHE_HOME/smolvlm`, else `~/.cache/smolvlm`: checkpoints, bundles, toolkits. */
  readonly cacheDir: string;
  /**
   * `SMOLVLM_RUNTIME_DIR`: socket, start lock and log of this user's engine. The default is neither
   * $XDG_RUNTIME_DIR nor $TMPDIR: a Node-RED that runs as a service and a shell of the same user have
   * different ones, and must find the same engine.
   */
  readonly runtimeDir: string;
  /** `SMOLVLM_TOKEN`: the tokens of an engine on a port, as in a token file. */
  readonly token?: string;
  /** `SMOLVLM_ANNOUNCE`, true unless it is `0`: an engine on the network announces itself. */
  readonly announce: boolean;
  /** `HF_ENDPOINT`, and `HF_TOKEN` or `HUGGING_FACE_HUB_TOKEN`, as for Hugging Face's own client. */
  readonly hub: { readonly endpoint?: string; readonly token?: string };
  readonly npu: NpuSettings;
  readonly rkllm: RkllmSettings;
  /** `SMOLVLM_IMAGE_THREADS`: pictures that are prepared at a time. */
  readonly imageThreads?: number;
  readonly convert: {
    /** `SMOLVLM_CONVERT_PYTHON`: the interpreter for rknn-toolkit2. */
    readonly python?: string;
    /** `SMOLVLM_RKLLM_PYTHON`: the interpreter that has rkllm-toolkit. */
    readonly rkllmPython?: string;
  };
}

/** What the inference thread is given; no token is among it. */
export type InferenceSettings = Pick<Settings, 'cacheDir' | 'npu' | 'rkllm' | 'imageThreads'>;

/** Where the NPU's lock is when `SMOLVLM_NPU_LOCK` names no other place. */
export const defaultNpuLockPath = '/tmp/smolvlm-npu/lock';

/**
 * Parses a process's environment. The doors call it once and hand on the parts: the command line, the client that
 * starts an engine. An empty variable counts as absent.
 * @throws SmolvlmError `environment-variable` naming the variable and the value; `backend-rkllm-abi`
 */
export function readSettings(environment: NodeJS.ProcessEnv = process.env): Settings {
  const text = (name: string): string | undefined => environment[name] || undefined;
  const number = (name: string, expected: string, fits: (value: number) => boolean): number | undefined => {
    const given = text(name);
    if (given === undefined) return undefined;
    const value = Number(given);
    if (!fits(value)) throw wrongValue(name, expected, given);
    return value;
  };
  const milliseconds = (name: string): number | undefined =>
    number(name, 'a number of milliseconds above 0', (value) => value > 0 && Number.isFinite(value));
  const flag = (name: string): boolean => choice(name, ['0', '1']) === '1';
  const choice = <const T extends string>(
    name: string,
    allowed: readonly T[],
    code?: string,
  ): T | undefined => {
    const given = text(name);
    const chosen = allowed.find((each) => each === given);
    if (given === undefined || chosen !== undefined) return chosen;
    throw wrongValue(name, allowed.join(' or '), given, code);
  };
  return {
    cacheDir: resolve(
      text('SMOLVLM_CACHE') ?? join(text('XDG_CACHE_HOME') ?? join(homedir(), '.cache'), 'smolvlm'),
    ),
    runtimeDir: text('SMOLVLM_RUNTIME_DIR') ?? defaultRuntimeDir(),
    ...defined({ token: text('SMOLVLM_TOKEN') }),
    announce: choice('SMOLVLM_ANNOUNCE', ['0', '1']) !== '0',
    hub: defined({
      endpoint: text('HF_ENDPOINT'),
      token: (text('HF_TOKEN') ?? text('HUGGING_FACE_HUB_TOKEN'))?.trim() || undefined,
    }),
    npu: {
      lockPath: text('SMOLVLM_NPU_LOCK') ?? defaultNpuLockPath,
      zeroCopy: flag('SMOLVLM_NPU_ZERO_COPY'),
      sharedScratch: flag('SMOLVLM_NPU_SHARED_SCRATCH'),
      ...defined({
        library: text('SMOLVLM_RKNN_LIBRARY'),
        cores: npuCores(text('SMOLVLM_NPU_CORES')),
        sharing: choice('SMOLVLM_NPU_SHARING', ['share', 'cpu', 'refuse']),
        slowMs: milliseconds('SMOLVLM_NPU_SLOW_MS'),
        lostMs: milliseconds('SMOLVLM_NPU_LOST_MS'),
        silenceMs: milliseconds('SMOLVLM_NPU_SILENCE_MS'),
      }),
    },
    rkllm: {
      input: choice('SMOLVLM_RKLLM_INPUT', ['embed', 'multimodal']) ?? 'embed',
      embedFlash: flag('SMOLVLM_RKLLM_EMBED_FLASH'),
      ...defined({
        library: text('SMOLVLM_RKLLM_LIBRARY'),
        abi: choice('SMOLVLM_RKLLM_ABI', ['1.2', '1.3'], 'backend-rkllm-abi'),
      }),
    },
    ...defined({
      imageThreads: number(
        'SMOLVLM_IMAGE_THREADS',
        'a whole number from 1 to 16',
        (value) => Number.isInteger(value) && value >= 1 && value <= 16,
      ),
    }),
    convert: defined({
      python: text('SMOLVLM_CONVERT_PYTHON'),
      rkllmPython: text('SMOLVLM_RKLLM_PYTHON'),
    }),
  };
}

/** By the user's number: the account of a container may have no name. */
function defaultRuntimeDir(): string {
  return join(process.platform === 'linux' ? '/tmp' : tmpdir(), `smolvlm-${process.getuid?.() ?? -1}`);
}

/** `3`: that many; `1,2` or `1-2`: these, counted from 0. */
function npuCores(given: string | undefined): number | readonly number[] | undefined {
  if (given === undefined) return undefined;
  if (/^[1-8]$/.test(given)) return Number(given);
  const [, first, last] = /^([0-7])-([0-7])$/.exec(given) ?? [];
  const listed = /^[0-7](,[0-7])+$/.test(given) ? [...new Set(given.split(',').map(Number))] : [];
  const cores =
    first === undefined
      ? listed
      : Array.from({ length: Math.max(0, Number(last) - Number(first) + 1) }, (_, i) => Number(first) + i);
  if (cores.length > 0) return cores;
  throw wrongValue('SMOLVLM_NPU_CORES', 'a whole number from 1 to 8, or cores such as 1,2 or 2-2', given);
}

function wrongValue(
  name: string,
  expected: string,
  received: string,
  code = 'environment-variable',
): SmolvlmError {
  return new SmolvlmError(code, `${name}: expected ${expected}, received "${received}"`, {
    hint: `Correct the environment variable ${name}, or remove it. docs/environment.md lists all of them.`,
  });
}
