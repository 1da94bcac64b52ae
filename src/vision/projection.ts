import type { StageRunner } from '../backends/stage-runner';
import { PriorityMutex } from '../system/priority-mutex';
import { matrixProduct } from './matrix-product';

/** One of the host's two matrix products around the tower. */
export interface Projection {
  /** @param rows [n, in] @returns [n, out], the caller's to change */
  project(rows: Float32Array): Promise<Float32Array>;
}

/** In JavaScript. @param weight [out, in] @param bias [out] */
export function hostProjection(weight: Float32Array, inner: number, bias?: Float32Array): Projection {
  return { project: async (rows) => matrixProduct(rows, weight, inner, bias) };
}

/** By a graph of the bundle. Tiles in flight come one after the other, as a runner demands. */
export function graphProjection(runner: StageRunner): Projection {
  const lane = new PriorityMutex();
  return { project: (rows) => lane.enter(() => runner.run(rows)) };
}
