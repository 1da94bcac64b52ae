import { defined } from '../../system/defined';

/** How many parts a bundle has: stages, which take nearly all of the time, and others. */
export interface PartCounts {
  readonly stages: number;
  readonly others: number;
}

export interface BuildProgress {
  /** The part just finished (a stage's name, `host`, `decoder`), or the current step. */
  readonly part: string;
  readonly done: number;
  readonly total: number;
  /** Of the stages alone, e.g. 7 of 24. */
  readonly stages: { readonly done: number; readonly total: number };
  /** Estimated from the parts made so far; absent until a stage has been made. */
  readonly secondsLeft?: number;
}

type Kind = keyof PartCounts;

/** Counts a bundle's finished parts and estimates the remaining time. */
export class BuildClock {
  readonly #counts: PartCounts;
  readonly #now: () => number;
  readonly #done: Record<Kind, Set<string>> = { stages: new Set(), others: new Set() };
  readonly #made: Record<Kind, { count: number; seconds: number }> = {
    stages: { count: 0, seconds: 0 },
    others: { count: 0, seconds: 0 },
  };
  #last: number;

  /** @param now milliseconds, for tests */
  constructor(counts: PartCounts, now: () => number = () => performance.now()) {
    this.#counts = counts;
    this.#now = now;
    this.#last = now();
  }

  /** A part is finished: just made, or found from an earlier run. */
  finished(part: string, kind: Kind, made: boolean): BuildProgress {
    // Parts may be made in parallel: each accounts for the time since the previous one.
    const seconds = this.#passed();
    if (made) this.#made[kind].seconds += seconds;
    if (made) this.#made[kind].count++;
    this.#done[kind].add(part);
    return this.#progress(part);
  }

  /** A step that is not a part. */
  during(step: string): BuildProgress {
    this.#passed();
    return this.#progress(step);
  }

  /** Parts must be made again. */
  undone(parts: readonly string[]): void {
    for (const part of parts) for (const done of Object.values(this.#done)) done.delete(part);
  }

  #passed(): number {
    const now = this.#now();
    const seconds = (now - this.#last) / 1000;
    this.#last = now;
    return seconds;
  }

  #progress(part: string): BuildProgress {
    const { stages, others } = this.#counts;
    const left = this.#left('stages');
    return {
      part,
      done: this.#done.stages.size + this.#done.others.size,
      total: stages + others,
      stages: { done: this.#done.stages.size, total: stages },
      ...defined({ secondsLeft: left === undefined ? undefined : left + (this.#left('others') ?? 0) }),
    };
  }

  /** @returns seconds for the remaining parts of a kind; undefined until one has been made */
  #left(kind: Kind): number | undefined {
    const { count, seconds } = this.#made[kind];
    const left = this.#counts[kind] - this.#done[kind].size;
    if (left === 0) return 0;
    return count === 0 ? undefined : (left * seconds) / count;
  }
}
