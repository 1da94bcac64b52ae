import type { NpuTarget } from '../../protocol/models/conversion-choices';

/** NPU cores of a chip; a bundle's stages are distributed over them. */
export const targetNpuCores: Readonly<Record<NpuTarget, number>> = { rk3588: 3, rk3576: 2 };
