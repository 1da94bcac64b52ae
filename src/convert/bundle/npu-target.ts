import type { BundleTarget } from '../../model/bundle/bundle-manifest';

/** A chip the toolkit builds for. */
export type NpuTarget = Exclude<BundleTarget, 'cpu'>;

/** NPU cores of a chip; a bundle's stages are distributed over them. */
export const targetNpuCores: Readonly<Record<NpuTarget, number>> = { rk3588: 3, rk3576: 2 };
