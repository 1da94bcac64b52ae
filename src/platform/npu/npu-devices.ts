import type { DeviceNode, SystemFiles } from '../recording/system-files';
import { nodeDriver } from './npu-driver';

/** The device nodes by which a process reaches the vendor's driver. */
export interface NpuDevices {
  /** Nodes that are there: `/dev/dri/renderD129` (DRM build of the driver) or `/dev/rknpu` (DMA-heap build). */
  readonly nodes: readonly DeviceNode[];
  /** Nodes that the driver made and that are not there, as in a container that was not given them. */
  readonly missing: readonly string[];
  /** DMA heaps, which the DMA-heap build takes its buffers from; absent for the DRM build. */
  readonly heaps?: readonly DeviceNode[];
  /** Where /dev/rknpu leads when it is a link: the runtime then takes the wrong way into the driver. */
  readonly misleadingLink?: string;
}

const heapBuildNode = '/dev/rknpu';

/** Looks for the NPU's device nodes and opens each once. */
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
    ...(heapBuild ? { heaps: dmaHeaps(files) } : {}),
    ...(misleadingLink === undefined ? {} : { misleadingLink }),
  };
}

function dmaHeaps(files: SystemFiles): readonly DeviceNode[] {
  const folder = '/dev/dma_heap';
  return files
    .names(folder)
    .map((name) => files.device(`${folder}/${name}`))
    .filter((node) => node !== undefined);
}
