import { type ErrorBody, SmolvlmError } from '../../errors';
import { cpuFallbackBundle } from '../../model/bundle/cpu-fallback-bundle';
import type { Bundle } from '../../model/bundle/read-bundle';
import { recentNpuCrashes } from '../../platform/npu/npu-crash-log';
import { describeHolder, tryAcquireNpuLock } from '../../platform/npu/npu-lock';
import { SystemFiles } from '../../platform/recording/system-files';
import { usableCores } from '../../platform/soc';
import { defined } from '../../system/defined';
import type { NpuSettings } from '../../system/settings';
import {
  npuAccess,
  openHostBackend,
  openVisionBackend,
  type RknnSettings,
  type VisionBackend,
} from '../../vision/open-vision-backend';
import { openVisionTower } from '../../vision/open-vision-tower';
import type { TileEncoder } from '../../vision/vision-tower';
import type { CaptionerOptions } from '../inference';
import { FallbackTower } from './fallback-tower';
import { type EarlierFailures, NpuBackoff } from './npu-backoff';

/** A vision tower on the device it was asked for. */
export interface PlacedTower {
  readonly tower: TileEncoder;
  /** e.g. `rknn fp16`; undefined on the CPU. */
  readonly npu?: string;
  /** NPU cores that frames can keep busy, as the chip has them whatever the bundle is made for; 0 on the CPU. */
  readonly cores: number;
  /** Why the CPU does the work now, where the NPU should. */
  fallback(): ErrorBody | undefined;
}

export type TowerOptions = Pick<
  CaptionerOptions,
  'threads' | 'backend' | 'signal' | 'onProgress' | 'onDeviceLost'
> & { readonly npu: NpuSettings };

/**
 * Opens a bundle's tower: a CPU bundle's in onnxruntime; an NPU bundle's on the NPU, with its stages for the CPU
 * behind it unless the request insists (`backend: npu`); or those alone (`backend: cpu`).
 * @throws SmolvlmError `backend-npu` for a CPU bundle on the NPU, `bundle-no-cpu-stages`; without a way round also
 *   whatever opening the NPU throws
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
  const cores = Math.max(1, usableCores(new SystemFiles(), options.npu.cores));
  const placed = { npu: `rknn ${conversion?.precision ?? 'fp16'}`, cores };
  if (backend === 'npu' || !cpu) {
    return { ...placed, tower: await openOn(bundle, options, npuSettings(options, 'wait')), fallback: never };
  }
  // It may be opened again long after this request.
  const { signal: _signal, onProgress: _onProgress, ...lasting } = options;
  const tower = new FallbackTower({
    openNpu: () => openOn(bundle, options, npuSettings(lasting, 'fail')),
    openCpu: () => openOn(cpu, options),
    rest: new NpuBackoff(await earlierCrashes(options.npu.lockPath)),
  });
  return { ...placed, tower, fallback: () => tower.fallback };
}

/** A tower with the backends it runs in; closing it closes them. */
async function openOn(bundle: Bundle, { threads }: TowerOptions, npu?: RknnSettings): Promise<TileEncoder> {
  const settings = threads === undefined ? {} : { threads };
  const opened: VisionBackend[] = [];
  const close = async (): Promise<void> => {
    for (const backend of opened.splice(0).reverse()) await backend.close();
  };
  try {
    opened.push(await openVisionBackend(bundle, { ...settings, ...(npu && { npu }) }));
    const hostBackend = bundle.manifest.target === 'cpu' ? undefined : await openHostBackend(settings);
    if (hostBackend) opened.push(hostBackend);
    const tower = await openVisionTower(
      bundle,
      opened[0] as VisionBackend,
      hostBackend ? { hostBackend } : {},
    );
    return {
      encode: (tiles, encode) => tower.encode(tiles, encode),
      close: async () => {
        await tower.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function npuSettings(
  { signal, onProgress, onDeviceLost, npu }: TowerOptions,
  whenBusy: 'wait' | 'fail',
): RknnSettings {
  return {
    ...npuAccess(npu),
    whenBusy,
    ...(signal && { signal }),
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
          message: `stage ${stage} has not come back from the NPU for ${ms / 1000} s`,
        }),
    },
  };
}

/** What earlier processes' ends say of the NPU; taking the lock once notices one that was not noticed yet. */
export async function earlierCrashes(lockPath: string): Promise<EarlierFailures | undefined> {
  const lock = await tryAcquireNpuLock(lockPath).catch(() => undefined);
  if (lock && 'release' in lock) await lock.release();
  const deaths = await recentNpuCrashes(lockPath);
  const last = deaths.at(-1);
  if (!last) return undefined;
  const reason = {
    code: 'npu-deaths',
    message: `${deaths.length === 1 ? 'a process' : `${deaths.length} processes`} ended with the NPU in use within the last hour, the latest (${last.pid}, ${last.command}) at ${last.at}`,
    hint: 'Look at the engine’s log, and at driver and runtime with smolvlm doctor.',
  };
  return { failures: deaths.length, lastAgeMs: Date.now() - Date.parse(last.at), reason };
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
