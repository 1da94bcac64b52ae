import type { BundleTarget } from '../model/bundle-manifest';
import { readBundle } from '../model/read-bundle';
import { resolveModel } from '../model/resolve-model';

/** What a bundle says of the machine it was made for. */
export interface BundleFacts {
  readonly path: string;
  readonly target: BundleTarget;
  /** Of rknn-toolkit2, which made the stages. */
  readonly toolkitVersion?: string;
}

/**
 * @param model as a person names one: `demo`, a folder, a hub id
 * @returns undefined for a checkpoint, which is made for no machine
 * @throws SmolvlmError when there is no such model, or its manifest is broken
 */
export async function readBundleFacts(model: string): Promise<BundleFacts | undefined> {
  const { dir, kind } = await resolveModel(model);
  if (kind === 'checkpoint') return undefined;
  const { target, toolkitVersion } = (await readBundle(dir)).manifest;
  return { path: dir, target, ...(toolkitVersion === undefined ? {} : { toolkitVersion }) };
}
