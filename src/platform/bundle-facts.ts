import { type ErrorBody, errorBody } from '../errors';
import { readBundle } from '../model/bundle/read-bundle';
import { resolveModel } from '../model/hub/resolve-model';
import type { BundleTarget } from '../protocol/models/conversion-choices';
import { defined } from '../system/defined';

/** What a bundle's manifest says about the machine it was made for. */
export interface BundleFacts {
  readonly path: string;
  /** The checkpoint it was made from. */
  readonly model: string;
  readonly target: BundleTarget;
  /** Of rknn-toolkit2, which made the stages. */
  readonly toolkitVersion?: string;
  /** Whether it also has stages for machines without that NPU. */
  readonly hasCpuStages: boolean;
}

/** A model that was given and is not a bundle: it is made for no particular machine. */
export interface CheckpointFacts {
  readonly checkpoint: string;
}

/** A model that was given and cannot be used. */
export interface UnusableModel {
  readonly model: string;
  readonly fault: ErrorBody;
}

/** What can be said about a model. */
export type ModelFacts = BundleFacts | CheckpointFacts | UnusableModel;

/** @param model `demo`, a folder or a hub id */
export async function readModelFacts(model: string): Promise<ModelFacts> {
  try {
    const { dir, kind } = await resolveModel(model);
    if (kind === 'checkpoint') return { checkpoint: model };
    const { model: checkpoint, target, toolkitVersion, cpuStages } = (await readBundle(dir)).manifest;
    const hasCpuStages = cpuStages !== undefined;
    return {
      path: dir,
      model: checkpoint.id,
      target,
      hasCpuStages,
      ...defined({ toolkitVersion }),
    };
  } catch (error) {
    return { model, fault: errorBody(error) };
  }
}
