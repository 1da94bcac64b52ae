import type { CpuKernels } from '../../backends/onnxruntime/session-options';
import { type ErrorBody, SmolvlmError } from '../../errors';
import { cpuFallbackBundle } from '../../model/bundle/cpu-fallback-bundle';
import type { Bundle } from '../../model/bundle/read-bundle';
import { recentNpuCrashes } from '../../platform/npu/npu-crash-log';
import { describeHolder, tryAcquireNpuLock } from '../../platform/npu/npu-lock';
import { SystemFiles } from '../../platform/recording/system-files';
import { usableCores } from '../../platform/soc';
import type { NpuSharing } from '../../protocol/describe-request';
import { ResourceStack } from '../../system/async/resource-stack';
import { defined } from '../../system/defined';
import type { NpuSettings } from '../../system/settings';
import {
  npuAccess,
  openHostBackend,
  openVisionBackend,
  type RknnSettings,
} from '../../vision/open-vision-backend';
import { openVisionTower } from '../../vision/open-vision-tower';
import type { TileEncoder } from '../../vision/vision-tower';
import type { CaptionerOptions } from '../inference';
import { FallbackTower } from './fallback-tower';
import { type EarlierFailures, NpuBackoff } from './npu-backoff';
import { npuReadWriteLock } from './npu-read-write-lock';
import type { NpuSharingRule } from './npu-sharing';

/** A vision tower on the device that a request chose. */
export interface PlacedTower {
  readonly tower: TileEncoder;
  /** e.g. `rknn fp16`; undefined on the CPU. */
  readonly npu?: string;
  /** NPU cores that frames can keep busy: those of this chip, not of the bundle's target; 0 on the CPU. */
  readonly cores: number;
  /** Why the CPU works instead of the NPU at the moment. */
  fallback(): ErrorBody | undefined;
  /** Other programs that use the NPU at the moment; absent on the CPU. */
  sharedWith?(): readonly string[];
  /** What is done because of them. */
  readonly sharing?: NpuSharing;
}

export type TowerOptions = Pick<
  CaptionerOptions,
  'threads' | 'backend' | 'signal' | 'onProgress' | 'onDeviceLost'
> & { readonly npu: NpuSettings; readonly sharing: NpuSharingRule; readonly kernels?: CpuKernels };

/**
 * Opens a bundle's tower: that of a CPU bundle in onnxruntime; that of an NPU bundle on the NPU, with its CPU stages as a
 * fallback unless the request requires the NPU (`backend: npu`); or the CPU stages only (`backend: cpu`).
 * @throws SmolvlmError `backend-npu` for a CPU bundle on the NPU, `bundle-no-cpu-stages`, `npu-shared`; without a fallback
 *   also whatever opening the NPU throws
 */
export async function openTower(bundle: Bundle, options: TowerOptions): Promise<PlacedTower> {
  const { target } = bundle.manifest;
  const { backend = 'auto' } = options;
  const never = (): undefined => undefined;
  if (target === 'cpu') {
    if (backend === 'npu') throw noShards();
    return { tower: await openOn(bundle, options), cores: 0, fallback: never };
  }
  const cpu = cpuFallbackBundle(bundle);
  if (backend === 'cpu') {
    if (!cpu) throw noCpuStages(bundle);
    return { tower: await openOn(cpu, options), cores: 0, fallback: never };
  }
  const { conversion } = bundle.manifest;
  const cores = Math.max(1, usableCores(new SystemFiles(), options.npu.cores).length);
  const { sharing } = options;
  const placed = {
    npu: `rknn ${conversion?.precision ?? 'fp16'}`,
    cores,
    sharedWith: () => sharing.sharedWith,
    sharing: sharing.choice,
  };
  const cpuAllowed = backend !== 'npu' && cpu !== undefined;
  sharing.check(cpuAllowed);
  if (!cpuAllowed) {
    const tower = await openOn(bundle, options, npuSettings(options, 'wait'));
    return { ...placed, tower: checkedTower(tower, () => sharing.check(false)), fallback: never };
  }
  // It may be opened again long after this request.
  const { signal: _signal, onProgress: _onProgress, ...lasting } = options;
  const tower = new FallbackTower({
    // The language model of the NPU does not run meanwhile.
    openNpu: () => npuReadWriteLock.shared(() => openOn(bundle, options, npuSettings(lasting, 'fail'))),
    openCpu: () => openOn(cpu, options),
    backoff: new NpuBackoff(await earlierCrashes(options.npu.lockPath)),
    useCpu: () => sharing.useCpu,
  });
  return {
    ...placed,
    tower: checkedTower(tower, () => sharing.check(true)),
    fallback: () => tower.fallback,
  };
}

/** A tower that is used only while a check passes. */
function checkedTower(tower: TileEncoder, check: () => void): TileEncoder {
  return {
    encode: async (tiles, options) => {
      check();
      return tower.encode(tiles, options);
    },
    close: () => tower.close(),
  };
}

/** A tower and the backends it runs in; closing it closes them. */
function openOn(
  bundle: Bundle,
  { threads, kernels }: TowerOptions,
  npu?: RknnSettings,
): Promise<TileEncoder> {
  const settings = defined({ threads, kernels });
  return ResourceStack.open(async (opened) => {
    const backend = await openVisionBackend(bundle, { ...settings, ...defined({ npu }) });
    opened.own(() => backend.close());
    const hostBackend = bundle.manifest.target === 'cpu' ? undefined : await openHostBackend(settings);
    if (hostBackend) opened.own(() => hostBackend.close());
    const tower = await openVisionTower(bundle, backend, defined({ hostBackend }));
    opened.own(() => tower.close());
    return { encode: (tiles, encode) => tower.encode(tiles, encode), close: () => opened.close() };
  });
}

function npuSettings(
  { signal, onProgress, onDeviceLost, npu }: TowerOptions,
  whenBusy: 'wait' | 'fail',
): RknnSettings {
  return {
    ...npuAccess(npu),
    whenBusy,
    ...defined({ signal }),
    onWait: (_pid, holder) => {
      const warning = { code: 'npu-busy', message: `waiting for the NPU, held by ${describeHolder(holder)}` };
      onProgress?.({ phase: 'loading', done: 0, total: 1, warning });
    },
    zeroCopy: npu.zeroCopy,
    sharedScratch: npu.sharedScratch,
    onRefused: (why) => process.emitWarning(`the NPU’s stages do not share memory: ${why}`),
    watch: {
      ...defined({ slowMs: npu.slowMs, lostMs: npu.lostMs }),
      onLost: (stage, ms) =>
        onDeviceLost?.({
          code: 'npu-lost',
          message: `stage ${stage} has not returned from the NPU for ${ms / 1000} s`,
        }),
    },
  };
}

/** Recent crashes of processes that used the NPU. Taking the lock once records a crash that is not recorded yet. */
export async function earlierCrashes(lockPath: string): Promise<EarlierFailures | undefined> {
  const lock = await tryAcquireNpuLock(lockPath).catch(() => undefined);
  if (lock && 'release' in lock) await lock.release();
  const crashes = await recentNpuCrashes(lockPath);
  const last = crashes.at(-1);
  if (!last) return undefined;
  const reason = {
    code: 'npu-deaths',
    message: `${crashes.length === 1 ? 'a process' : `${crashes.length} processes`} ended with the NPU in use within the last hour, the latest (${last.pid}, ${last.command}) at ${last.at}`,
    hint: 'See the engine’s log, and check driver and runtime with smolvlm doctor.',
  };
  return { failures: crashes.length, lastAgeMs: Date.now() - Date.parse(last.at), reason };
}

function noShards(): SmolvlmError {
  return new SmolvlmError(
    'backend-npu',
    'the request asks for the NPU, but the model is prepared for the CPU',
    {
      hint: 'Convert the checkpoint on an x86-64 machine (smolvlm convert --target rk3588) and give the bundle, or choose the backend "auto".',
    },
  );
}

function noCpuStages({ dir }: Bundle): SmolvlmError {
  return new SmolvlmError('bundle-no-cpu-stages', `${dir} has no stages for the CPU`, {
    hint: 'Convert it without --no-cpu-stages, or give the checkpoint itself.',
  });
}
