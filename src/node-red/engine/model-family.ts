// Models that can be fetched by a click, in the form that dialog and runtime share.

/** A published model of the family. Sizes are of its weights, as published, and of an engine on the CPU. */
export interface FamilyModel {
  readonly id: string;
  readonly downloadBytes: number;
  /** Of an engine with this model in int8, all on the CPU. */
  readonly memoryGb: number;
  /** What it is good for: a key below `models.note`. */
  readonly note: 'first' | 'better' | 'best' | 'video';
}

export const familyModels: readonly FamilyModel[] = [
  { id: 'HuggingFaceTB/SmolVLM-256M-Instruct', downloadBytes: 513e6, memoryGb: 0.7, note: 'first' },
  { id: 'HuggingFaceTB/SmolVLM-500M-Instruct', downloadBytes: 1_015e6, memoryGb: 1, note: 'better' },
  { id: 'HuggingFaceTB/SmolVLM-Instruct', downloadBytes: 4_493e6, memoryGb: 3.3, note: 'best' },
  { id: 'HuggingFaceTB/SmolVLM2-256M-Video-Instruct', downloadBytes: 1_026e6, memoryGb: 0.7, note: 'video' },
  { id: 'HuggingFaceTB/SmolVLM2-500M-Video-Instruct', downloadBytes: 2_030e6, memoryGb: 1, note: 'video' },
  { id: 'HuggingFaceTB/SmolVLM2-2.2B-Instruct', downloadBytes: 8_986e6, memoryGb: 3.3, note: 'best' },
];

/** What the cache of a machine holds of a model, as `smolvlm cache --json` lists it. */
export interface CachedItem {
  readonly kind: 'checkpoint' | 'download' | 'bundle';
  readonly name: string;
  readonly version: string;
  readonly size_bytes: number;
}

/** A line of the answer to a request for a model. */
export type FetchEvent =
  | { readonly type: 'progress'; readonly doneBytes: number; readonly totalBytes: number }
  | { readonly type: 'done' }
  | { readonly type: 'error'; readonly error: { code: string; message: string; hint?: string } };

/** Whether a text has the form of a hub id. */
export function isHubId(text: string): boolean {
  return /^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(text);
}

/**
 * The name that somebody probably meant.
 * @param known names that would work
 * @returns undefined if the name is known, or resembles none
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (name === '' || known.includes(name) || /^[~./\\]/.test(name)) return undefined;
  const simple = (text: string): string => text.toLowerCase().replaceAll(/[^a-z\d]/g, '');
  const wanted = simple(name);
  const ranked = known
    .map((each) => {
      const own = simple(each.slice(each.indexOf('/') + 1));
      const distance = Math.min(editDistance(wanted, simple(each)), editDistance(wanted, own));
      // A part of the name, such as 500m, is not a mistake in it.
      return { each, distance: wanted.length >= 3 && own.includes(wanted) ? 1 : distance };
    })
    .sort((one, other) => one.distance - other.distance);
  const [best] = ranked;
  return best && best.distance <= Math.max(2, wanted.length / 3) ? best.each : undefined;
}

/** Letters to insert, remove or replace. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
