import { defined } from '../system/defined';
import type { SystemFiles } from './recording/system-files';

export interface MachineMemory {
  readonly totalBytes: number;
  /** What programs can still allocate without swapping. */
  readonly availableBytes: number;
  /** A container's own limit, when it is below the machine's total. */
  readonly limitBytes?: number;
  /** Contiguous memory, from which the NPU allocates its buffers when it has no IOMMU. */
  readonly cmaTotalBytes?: number;
  readonly cmaFreeBytes?: number;
}

/** From /proc/meminfo and the control group; undefined where there is no /proc. */
export function machineMemory(files: SystemFiles): MachineMemory | undefined {
  const entries = [...(files.text('/proc/meminfo') ?? '').matchAll(/^(\w+):\s+(\d+) kB$/gm)];
  const bytes = new Map(entries.map(([, name, kilo]) => [name, Number(kilo) * 1024]));
  const totalBytes = bytes.get('MemTotal');
  if (totalBytes === undefined) return undefined;
  const limit = groupLimit(files);
  const cmaTotalBytes = bytes.get('CmaTotal');
  return {
    totalBytes,
    availableBytes: bytes.get('MemAvailable') ?? bytes.get('MemFree') ?? 0,
    ...defined({
      limitBytes: limit !== undefined && limit < totalBytes ? limit : undefined,
      cmaTotalBytes,
      cmaFreeBytes: cmaTotalBytes === undefined ? undefined : (bytes.get('CmaFree') ?? 0),
    }),
  };
}

/** Limit of this control group, version 2 or 1. */
function groupLimit(files: SystemFiles): number | undefined {
  for (const path of ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes']) {
    const text = files.text(path);
    if (text !== undefined && /^\d+$/.test(text)) return Number(text);
  }
  return undefined;
}

/** Whether the NPU has an IOMMU; undefined when neither the bus nor the device tree says so. */
export function npuHasIommu(files: SystemFiles): boolean | undefined {
  const bus = '/sys/bus/platform/devices';
  const device = files.names(bus).find((name) => name.endsWith('.npu'));
  if (device !== undefined && files.has(`${bus}/${device}/iommu_group`)) return true;
  const node = files.names('/proc/device-tree').find((name) => name.startsWith('npu@'));
  if (node !== undefined) return files.has(`/proc/device-tree/${node}/iommus`);
  return device === undefined ? undefined : false;
}

/** The soft limit of this process's open files. */
export function openFileLimit(files: SystemFiles): number | undefined {
  const limit = files.match('/proc/self/limits', /^Max open files\s+(\d+|unlimited)/m)?.[1];
  if (limit === undefined) return undefined;
  return limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit);
}
