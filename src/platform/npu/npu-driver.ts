import { posix } from 'node:path';
import type { SystemFiles } from '../recording/system-files';

/** A place where the driver's version was read. */
export interface DriverVersionPlace {
  readonly path: string;
  readonly version: string;
}

/**
 * `vendor`: Rockchip's rknpu, which the runtimes need. `rocket`: the driver of mainline kernels, with which they
 * do not work. `none`: neither was found.
 */
export interface NpuDriver {
  readonly kind: 'vendor' | 'rocket' | 'none';
  /** `x.y.z` of the vendor's driver, from the first place that has it. */
  readonly version?: string;
  /** Nothing shows the driver, but there is an NPU with nodes of some driver, and /sys is not visible. */
  readonly assumed?: true;
  readonly places: readonly DriverVersionPlace[];
  /** Whether the device tree or the bus has an NPU. */
  readonly hardware: boolean;
}

/** The four places in which driver 0.9.8 shows its version; debugfs and the kernel's log usually need root. */
const versionPlaces: readonly (readonly [path: string, pattern: RegExp])[] = [
  ['/sys/module/rknpu/version', /^v?(\d+\.\d+\.\d+)/],
  ['/proc/rknpu/version', /v(\d+\.\d+\.\d+)/],
  ['/sys/kernel/debug/rknpu/version', /v(\d+\.\d+\.\d+)/],
  ['/dev/kmsg', /Initialized rknpu (\d+\.\d+\.\d+)/],
];

const vendorTraces = ['/sys/module/rknpu', '/sys/bus/platform/drivers/RKNPU', '/proc/rknpu', '/dev/rknpu'];
const rocketTraces = ['/sys/module/rocket', '/sys/bus/platform/drivers/rocket'];

/** Which driver runs the NPU. */
export function npuDriver(files: SystemFiles): NpuDriver {
  const places = versionPlaces.flatMap(([path, pattern]) => {
    const version = files.match(path, pattern)?.[1];
    return version === undefined ? [] : [{ path, version }];
  });
  const hardware = hasNpu(files);
  const [first] = places;
  if (first) return { kind: 'vendor', version: first.version, places, hardware };
  const vendor = vendorTraces.some((path) => files.has(path)) || boundDriver(files) === 'rknpu';
  if (vendor) return { kind: 'vendor', places, hardware };
  const rocket = rocketTraces.some((path) => files.has(path)) || boundDriver(files) === 'rocket';
  if (rocket) return { kind: 'rocket', places, hardware };
  const isUnseen =
    hardware && !files.has('/sys/class') && files.names('/dev/dri').some((name) => /^card/.test(name));
  return isUnseen ? { kind: 'vendor', assumed: true, places, hardware } : { kind: 'none', places, hardware };
}

/** Driver of the first render or accel node of an NPU, in lower case. */
function boundDriver(files: SystemFiles): string | undefined {
  for (const folder of ['/sys/class/drm', '/sys/class/accel']) {
    for (const name of files.names(folder)) {
      const driver = nodeDriver(files, `${folder}/${name}`);
      if (driver === 'rknpu' || driver === 'rocket') return driver;
    }
  }
  return undefined;
}

/** @param node e.g. `/sys/class/drm/renderD129` @returns its device's driver, in lower case */
export function nodeDriver(files: SystemFiles, node: string): string | undefined {
  const named = files.match(`${node}/device/uevent`, /^DRIVER=(\S+)/m)?.[1];
  const link = `${node}/device/driver`;
  const linked = named === undefined && files.has(link) ? posix.basename(files.realPath(link)) : undefined;
  return (named ?? linked)?.toLowerCase();
}

function hasNpu(files: SystemFiles): boolean {
  const onBus = files.names('/sys/bus/platform/devices').some((name) => name.endsWith('.npu'));
  return onBus || files.names('/proc/device-tree').some((name) => /^npu@/.test(name));
}

/** Whether a version `x.y.z` is at least another. */
export function versionAtLeast(version: string, least: string): boolean {
  const [a, b] = [version, least].map((each) => each.split('.').map((part) => Number.parseInt(part, 10)));
  for (const [index, part] of (b ?? []).entries()) {
    const other = a?.[index] ?? 0;
    if (other !== part) return other > part;
  }
  return true;
}
