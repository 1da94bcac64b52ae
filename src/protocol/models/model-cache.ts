import { SmolvlmError } from '../../errors';

/** A model that can be fetched by its name. */
export interface FetchableModel {
  /** On the hub: `ORG/NAME`. */
  readonly id: string;
  readonly downloadBytes: number;
  /** Of an engine with this model in int8, all on the CPU. */
  readonly memoryBytes: number;
  /** Memory of the smallest machine with room for it, in GB. */
  readonly machineGb: number;
  /** What it is good for: a key below `models.suits` in the dialog's catalog. */
  readonly suits: 'first' | 'better' | 'best' | 'video';
}

/** What the cache of an engine's machine keeps of a model. */
export interface CachedModel {
  /** `download`: an interrupted one, which the next fetch continues. */
  readonly kind: 'checkpoint' | 'download' | 'bundle';
  /** The hub id, or the name of a prepared bundle; never a path. */
  readonly name: string;
  /** A checkpoint's commit; for a bundle the version of what prepared it. */
  readonly version: string;
  readonly sizeBytes: number;
}

/** `GET /v1/smolvlm/models`. */
export interface ModelInventory {
  readonly fetchable: readonly FetchableModel[];
  readonly cached: readonly CachedModel[];
}

/** How far a download is. */
export interface FetchProgress {
  /** Over all files, including those of an earlier try. */
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** A line of the answer to `POST /v1/smolvlm/models/fetch`; the last one is `done` or `error`. */
export type FetchEvent =
  | ({ readonly type: 'progress' } & FetchProgress)
  | { readonly type: 'done' }
  | { readonly type: 'error'; readonly error: { code: string; message: string; hint?: string } };

/** Path of the inventory; of one model below it. */
export const modelsPath = '/v1/smolvlm/models';

/** Progress is sent this often at most: a progress bar needs no more. */
const progressEveryMs = 500;

/** @returns the id of a model on the hub @throws SmolvlmError `hub-not-found` for a text of another form, a path among them */
export function hubId(text: string): string {
  const id = text.trim();
  if (/^\w[\w.-]*\/\w[\w.-]*$/.test(id) && !id.includes('..')) return id;
  throw new SmolvlmError('hub-not-found', `expected a hub id, ORG/NAME, received "${id.slice(0, 100)}"`, {
    hint: 'For example HuggingFaceTB/SmolVLM-256M-Instruct.',
  });
}

/** Passes the first progress on, then one at most every `progressEveryMs`, and the complete one. */
export function seldom(
  onProgress: (progress: FetchProgress) => void,
  now = (): number => performance.now(),
): (progress: FetchProgress) => void {
  let lastMs = Number.NEGATIVE_INFINITY;
  return (progress) => {
    const isComplete = progress.doneBytes >= progress.totalBytes;
    if (!isComplete && now() - lastMs < progressEveryMs) return;
    lastMs = now();
    onProgress(progress);
  };
}
