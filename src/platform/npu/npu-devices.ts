import { defined } from '../../system/defined';
import type { DeviceNode, SystemFiles } from '../recording/system-files';
import { nodeDriver } from './npu-driver';

/** The device nodes of the vendor's driver. */
export interface NpuDevices {
  /** Nodes that exist: `/dev/dri/renderD129` (DRM build of the driver) or `/dev/rknpu` (DMA-heap build). */
  readonly nodes: readonly DeviceNode[];
  /** Nodes that the driver made and that do not exist here, as in a container without them. */
  readonly missing: readonly string[];
  /** DMA heaps, from which the DMA-heap build allocates its buffers; absent for the DRM build. */
  readonly heaps?: readonly DeviceNode[];
  /** Target of /dev/rknpu when it is a link: the runtime then uses the wrong interface of the driver. */
  readonly misleadingLink?: string;
}

const heapBuildNode = '/dev/rknpu';

/** Finds the NPU's device nodes and opens each once. */
export function npuDevices(files: SystemFiles): NpuDevices {
  const made = files
    .names('/sys/class/drm')
    .filter((name) => name.startsWith('renderD') && nodeDriver(files, `/sys/class/drm/${name}`) === 'rknpu')
    .map((name) => `/dev/dri/${name}`);
  const misleadingLink = files.link(heapBuildNode);
  // The DMA-heap build registers itself as a misc device of that name.
  const heapBuild =
    misleadingLink === undefined && (files.has('/sys/class/misc/rknpu') || files.has(heapBuildNode));
  if (heapBuild) made.push(heapBuildNode);
  const nodes = made.map((path) => files.device(path)).filter((node) => node !== undefined);
  return {
    nodes,
    missing: made.filter((path) => !nodes.some((node) => node.path === path)),
    ...defined({ heaps: heapBuild ? dmaHeaps(files) : undefined, misleadingLink }),
  };
}

function dmaHeaps(files: SystemFiles): readonly DeviceNode[] {
  const folder = '/dev/dma_heap';
  return files
    .names(folder)
    .map((name) => files.device(`${folder}/${name}`))
    .filter((node) => node !== undefined);
}
