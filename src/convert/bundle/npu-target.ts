import type { NpuTarget } from '../../protocol/models/conversion-choices';

/** NPU cores of a chip; a bundle's stages are distributed over them. */
export const targetNpuCores: Readonly<Record<NpuTarget, number>> = { rk3588: 3, rk3576: 2 };

/**
 * Tokens that an exported NPU decoder has room for: two full-detail frames (2 × 13 tiles of 64 rows), a question and an
 * answer; a multiple of 32, which the toolkit requires.
 */
export const rkllmMaxContext = 4096;
