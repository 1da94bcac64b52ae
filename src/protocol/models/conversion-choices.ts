/** What a bundle can be made for: the chips of an NPU, or any CPU. */
export const bundleTargets = ['rk3588', 'rk3576', 'cpu'] as const;
export type BundleTarget = (typeof bundleTargets)[number];
/** A chip the toolkit builds for. */
export type NpuTarget = Exclude<BundleTarget, 'cpu'>;

/** Releases of rknn-toolkit2 whose output was measured; others are refused. */
export const toolkitVersions = ['2.3.2', '2.5.0'] as const;
export type ToolkitVersion = (typeof toolkitVersions)[number];

/** The newest librknnrt in the vendor's public repository is 2.3.2, and a runtime refuses the files of a newer toolkit. */
export const defaultToolkit: ToolkitVersion = '2.3.2';

/** What the stages for an NPU are built in; `hybrid`: some layers in INT8, `auto`: those that stay accurate. */
export const npuPrecisions = ['fp16', 'hybrid', 'auto'] as const;
export type NpuPrecisionChoice = (typeof npuPrecisions)[number];

/** What the stages for a CPU are built in. */
export const cpuStagePrecisions = ['int8', 'float32'] as const;

/** Number formats of a checkpoint that is prepared for the CPU. */
export const cpuPrecisions = ['float32', 'int8', 'int4'] as const;
export type CpuPrecision = (typeof cpuPrecisions)[number];
