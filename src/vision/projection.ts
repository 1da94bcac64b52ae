import type { StageRunner } from '../backends/stage-runner';
import { PriorityMutex } from '../system/async/priority-mutex';
import { matrixProduct } from './matrix-product';

/** One of the host's two matrix products around the tower. */
export interface Projection {
  /** @param rows [n, in] @returns [n, out], owned by the caller */
  project(rows: Float32Array): Promise<Float32Array>;
}

/** In JavaScript. @param weight [out, in] @param bias [out] */
export function hostProjection(weight: Float32Array, inner: number, bias?: Float32Array): Projection {
  return { project: async (rows) => matrixProduct(rows, weight, inner, bias) };
}

/** By a graph of the bundle. Tiles in flight run one at a time, as a runner requires. */
export function graphProjection(runner: StageRunner): Projection {
  const mutex = new PriorityMutex();
  return { project: (rows) => mutex.enter(() => runner.run(rows)) };
}
