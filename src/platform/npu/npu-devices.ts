import { posix } from 'node:path';
import { defined } from '../../system/defined';
import type { DeviceNode, SystemFiles } from '../recording/system-files';
import { nodeDriver } from './npu-driver';

/** Device nodes that the driver made. */
export interface DriverNodes {
  /** Those that exist here. */
  readonly nodes: readonly DeviceNode[];
  /** Those that do not exist here, as in a container without them. */
  readonly missing: readonly string[];
}

/**
 * The device nodes of the vendor's driver. `nodes` and `missing` are the ones that the runtime opens: `/dev/rknpu`
 * (DMA-heap build of the driver), else `/dev/dri/card…` (DRM build).
 */
export interface NpuDevices extends DriverNodes {
  /** Its render nodes (DRM build). The runtime does not open them; other programs may. */
  readonly render: DriverNodes;
  /** DMA heaps, from which the DMA-heap build allocates its buffers; absent for the DRM build. */
  readonly heaps?: readonly DeviceNode[];
  /** Target of /dev/rknpu when it is a link: the runtime then uses the wrong interface of the driver. */
  readonly misleadingLink?: string;
  /** /sys does not show whose the cards are: `nodes` are those of all drivers, one of which may be the NPU's. */
  readonly unlinked?: true;
  /** Of the missing nodes: /dev is a folder of this service's own (systemd's PrivateDevices=). */
  readonly privateFolder?: true;
}

const heapBuildNode = '/dev/rknpu';

/** A line of mountinfo. The machine's own /dev is a devtmpfs. */
const privateDev = /^\d+ \d+ \S+ \S+ \/dev .* - tmpfs /m;

/** Finds the NPU's device nodes and opens each once. */
export function npuDevices(files: SystemFiles): NpuDevices {
  const misleadingLink = files.link(heapBuildNode);
  // The DMA-heap build registers itself as a misc device of that name.
  const heapBuild =
    misleadingLink === undefined && (files.has('/sys/class/misc/rknpu') || files.has(heapBuildNode));
  const drm = drmNodes(files);
  const cards = drm.filter((name) => name.startsWith('card'));
  const rendering = drm.filter((name) => name.startsWith('renderD'));
  const unlinked = !heapBuild && drm.length === 0 && files.names('/sys/class/drm').length === 0;
  const all = unlinked ? files.names('/dev/dri').filter((name) => /^card\d+$/.test(name)) : [];
  const own = driverNodes(files, heapBuild ? [heapBuildNode] : [...cards, ...all].map(drmPath));
  return {
    ...own,
    render: driverNodes(files, rendering.map(drmPath)),
    ...defined({ heaps: heapBuild ? dmaHeaps(files) : undefined, misleadingLink }),
    ...(all.length > 0 && { unlinked: true as const }),
    ...(own.missing.length > 0 &&
      files.match('/proc/self/mountinfo', privateDev) && { privateFolder: true as const }),
  };
}

/** Paths of all nodes of the NPU, whether they exist here or not; none where it is not known which they are. */
export function npuNodePaths({ nodes, missing, render, unlinked }: NpuDevices): readonly string[] {
  if (unlinked) return [];
  const paths = [...nodes, ...render.nodes].map(({ path }) => path);
  return [...paths, ...missing, ...render.missing].sort();
}

/** Names of the driver's cards and render nodes, in the order of their numbers. Any number may be the NPU's. */
function drmNodes(files: SystemFiles): readonly string[] {
  const folder = '/sys/class/drm';
  const drivers = '/sys/bus/platform/drivers/RKNPU';
  const names = [
    ...files.names(folder).filter((name) => nodeDriver(files, `${folder}/${name}`) === 'rknpu'),
    ...files.names(drivers).flatMap((device) => files.names(`${drivers}/${device}/drm`)),
    ...linkedByPath(files),
  ].filter((name) => /^(card|renderD)\d+$/.test(name));
  return [...new Set(names)].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

/** udev's links by the device's place: `platform-fdab0000.npu-card` → `../card1`. */
function linkedByPath(files: SystemFiles): readonly string[] {
  const folder = '/dev/dri/by-path';
  return files
    .names(folder)
    .filter((name) => /\.npu-(?:card|render)$/.test(name))
    .map((name) => posix.basename(files.link(`${folder}/${name}`) ?? ''));
}

function drmPath(name: string): string {
  return `/dev/dri/${name}`;
}

function driverNodes(files: SystemFiles, made: readonly string[]): DriverNodes {
  const nodes = made.map((path) => files.device(path)).filter((node) => node !== undefined);
  return { nodes, missing: made.filter((path) => !nodes.some((node) => node.path === path)) };
}

function dmaHeaps(files: SystemFiles): readonly DeviceNode[] {
  const folder = '/dev/dma_heap';
  return files
    .names(folder)
    .map((name) => files.device(`${folder}/${name}`))
    .filter((node) => node !== undefined);
}
