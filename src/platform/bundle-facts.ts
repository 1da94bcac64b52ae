import { type ErrorBody, errorBody } from '../errors';
import type { BundleTarget } from '../model/bundle/bundle-manifest';
import { readBundle } from '../model/bundle/read-bundle';
import { resolveModel } from '../model/hub/resolve-model';

/** What a bundle says of the machine it was made for. */
export interface BundleFacts {
  readonly path: string;
  /** The checkpoint it was made of. */
  readonly model: string;
  readonly target: BundleTarget;
  /** Of rknn-toolkit2, which made the stages. */
  readonly toolkitVersion?: string;
  /** Whether it also has stages for machines without that NPU. */
  readonly hasCpuStages: boolean;
}

/** A model that was named and cannot be used. */
export interface UnusableModel {
  readonly model: string;
  readonly fault: ErrorBody;
}

/**
 * @param model as a person names one: `demo`, a folder, a hub id
 * @returns undefined for a checkpoint, which is made for no machine
 */
export async function readBundleFacts(model: string): Promise<BundleFacts | UnusableModel | undefined> {
  try {
    const { dir, kind } = await resolveModel(model);
    if (kind === 'checkpoint') return undefined;
    const { model: checkpoint, target, toolkitVersion, cpuStages } = (await readBundle(dir)).manifest;
    const hasCpuStages = cpuStages !== undefined;
    return {
      path: dir,
      model: checkpoint.id,
      target,
      hasCpuStages,
      ...(toolkitVersion === undefined ? {} : { toolkitVersion }),
    };
  } catch (error) {
    return { model, fault: errorBody(error) };
  }
}
