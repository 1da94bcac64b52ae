import type { Bundle } from './read-bundle';

/** An NPU bundle's stages for the CPU, as a separate bundle. @returns undefined for a bundle without them */
export function cpuFallbackBundle({ dir, manifest }: Bundle): Bundle | undefined {
  const { cpuStages, ...rest } = manifest;
  if (!cpuStages) return undefined;
  return { dir, manifest: { ...rest, target: 'cpu', stages: cpuStages, residualScale: 1 } };
}
