import type { FetchProgress, ModelInventory } from '../../protocol/models/model-cache';

export interface FetchModelOptions {
  /** Pauses: the next fetch of the same model continues. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: FetchProgress) => void;
}

/** The models of an engine's machine, this one or another. */
export interface ModelCacheApi {
  /** What is there and what can be fetched. @throws SmolvlmError */
  list(): Promise<ModelInventory>;
  /**
   * Fetches a model from the hub, or continues.
   * @param id `ORG/NAME` @throws SmolvlmError `hub-…`; the signal's reason when it aborts
   */
  fetch(id: string, options?: FetchModelOptions): Promise<void>;
  /** Removes all that the cache keeps under a name. @returns what is left @throws SmolvlmError for an unknown name */
  remove(name: string): Promise<ModelInventory>;
}
