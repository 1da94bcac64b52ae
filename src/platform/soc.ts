import type { NpuTarget } from '../protocol/models/conversion-choices';
import { defined } from '../system/defined';
import type { SystemFiles } from './recording/system-files';

/** Chips by the first six letters of their name: the toolkit's name of the target, and the NPU's cores. */
const chips: Readonly<Record<string, { readonly target: NpuTarget; readonly cores: number }>> = {
  rk3588: { target: 'rk3588', cores: 3 },
  // An RK3588 with one NPU core fused off: the driver offers mask 0x3 (driver 0.9.8, rk3583 variant).
  rk3583: { target: 'rk3588', cores: 2 },
  rk3582: { target: 'rk3588', cores: 2 },
  rk3576: { target: 'rk3576', cores: 2 },
};

export interface Soc {
  /** `rk3588`, `rk3588s`, `rk3582`, `rk3576`, another Rockchip's name, else the CPU architecture: `x64`, `arm64`. */
  readonly id: string;
  /** The board's name, where the firmware has one. */
  readonly board?: string;
  /** `npu-device` when the device tree is hidden, as in a container: only the chip's family is known. */
  readonly source: 'device-tree' | 'npu-device' | 'cpu';
}

/** Identifies the chip by the device tree, else by the NPU's platform device, else by the CPU architecture. */
export function socOf(files: SystemFiles): Soc {
  const board = boardName(files);
  const named = defined({ board });
  const compatible = files.text('/proc/device-tree/compatible')?.split('\0') ?? [];
  const chip = rockchipName(compatible);
  if (chip !== undefined) return { id: chip, ...named, source: 'device-tree' };
  const device = npuCompatible(files);
  const family = device === undefined ? undefined : rockchipName([device]);
  if (family !== undefined) return { id: family, ...named, source: 'npu-device' };
  return { id: files.process.arch, ...named, source: 'cpu' };
}

/** NPU cores that RKNN core masks may contain; 0 for a chip without a supported NPU. */
export function socNpuCores({ id }: Pick<Soc, 'id'>): number {
  return chips[id.slice(0, 6)]?.cores ?? 0;
}

/** The bundle target that runs on this chip; undefined for a chip without a supported NPU. */
export function npuTarget({ id }: Pick<Soc, 'id'>): NpuTarget | undefined {
  return chips[id.slice(0, 6)]?.target;
}

/**
 * Cores that the driver counts (`Core0: 21%, Core1: 0%,` in its load file). It is right also where the device tree names
 * a larger chip of the family. @returns undefined when the file is absent or needs root
 */
export function driverCores(files: SystemFiles): number | undefined {
  for (const folder of ['/proc/rknpu', '/sys/kernel/debug/rknpu']) {
    const load = files.text(`${folder}/load`);
    if (load === undefined || !load.startsWith('NPU load')) continue;
    return Math.max(1, load.match(/Core\d:/g)?.length ?? 0);
  }
  return undefined;
}

/** A number of cores, counted from core 0; or the cores themselves. */
export type GivenCores = number | readonly number[];

/**
 * The cores to use; none when neither the driver nor the chip determines it.
 * @param given the setting `npu.cores`, for such drivers and chips, and to leave cores to other programs
 */
export function usableCores(files: SystemFiles, given?: GivenCores): readonly number[] {
  if (typeof given === 'object') return given;
  const count = given ?? driverCores(files) ?? socNpuCores(socOf(files));
  return Array.from({ length: count }, (_, core) => core);
}

/** A board's own entry comes before its chip's: `radxa,e52c`, `rockchip,rk3582`, `rockchip,rk3588s`. */
function rockchipName(compatible: readonly string[]): string | undefined {
  for (const pattern of [/^rockchip,(rk\d{4}[a-z]?\d?)$/, /^rockchip,(rk\d{4}[a-z]?)-/]) {
    for (const entry of compatible) {
      const name = pattern.exec(entry)?.[1];
      if (name !== undefined) return name;
    }
  }
  return undefined;
}

/** e.g. `rockchip,rk3588-rknpu` (vendor kernel) or `rockchip,rk3588-rknn-core` (mainline). */
function npuCompatible(files: SystemFiles): string | undefined {
  const folder = '/sys/bus/platform/devices';
  for (const name of files.names(folder).filter((each) => each.endsWith('.npu'))) {
    const found = files.match(`${folder}/${name}/uevent`, /^OF_COMPATIBLE_0=(\S+)/m)?.[1];
    if (found !== undefined) return found;
  }
  return undefined;
}

function boardName(files: SystemFiles): string | undefined {
  const dmi = '/sys/devices/virtual/dmi/id';
  const name =
    files.text('/proc/device-tree/model') ??
    [files.text(`${dmi}/sys_vendor`), files.text(`${dmi}/product_name`)].filter(Boolean).join(' ');
  return name === '' ? undefined : name;
}
