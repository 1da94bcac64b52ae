import type { SmolvlmError } from '../../src/errors';
import type {
  NewTimelineEntry,
  TimelineAnswer,
  TimelineEntry,
  TimelinePictures,
} from '../../src/timeline/timeline-entry';
import type {
  TimelineCamera,
  TimelineDay,
  TimelinePage,
  TimelineQuery,
  TimelineStatistics,
  TimelineStore,
  TimelineSummary,
} from '../../src/timeline/timeline-store';

interface Kept {
  readonly entry: TimelineEntry;
  readonly pictures: TimelinePictures;
}

/** A store in memory, for tests of what uses one; it searches for whole texts only. */
export class MemoryTimeline implements TimelineStore {
  /** How many listeners there are. */
  listeners = 0;
  readonly #kept = new Map<number, Kept>();
  readonly #listening = new Set<(entry: TimelineEntry) => void>();
  #sequence = 0;

  async add(entry: NewTimelineEntry, pictures: TimelinePictures = {}): Promise<number> {
    const { timeMs = Date.now(), changed = true, ...rest } = entry;
    const id = timeMs * 1000 + this.#sequence++;
    const hasPicture = pictures.picture !== undefined;
    const kept = {
      ...rest,
      id,
      timeMs,
      changed,
      hasPicture,
      hasThumbnail: pictures.thumbnail !== undefined,
    };
    this.#kept.set(id, { entry: kept, pictures });
    for (const listener of this.#listening) listener(kept);
    return id;
  }

  async search(query: TimelineQuery = {}): Promise<TimelinePage> {
    const { text, camera, from = 0, to = Number.POSITIVE_INFINITY, changed, before, limit = 50 } = query;
    const found = this.#sorted().filter(
      (entry) =>
        (text === undefined || entry.text.toLowerCase().includes(text.toLowerCase())) &&
        (camera === undefined || entry.camera === camera) &&
        (!changed || entry.changed) &&
        entry.timeMs >= from &&
        entry.timeMs < to &&
        (before === undefined || entry.id < before),
    );
    const entries = found.slice(0, limit);
    const last = entries.at(-1);
    return found.length > limit && last ? { entries, next: last.id } : { entries };
  }

  async addAnswer(id: number, question: string, answer: TimelineAnswer): Promise<TimelineEntry | undefined> {
    const kept = this.#kept.get(id);
    if (!kept) return undefined;
    const entry = { ...kept.entry, answers: { ...kept.entry.answers, [question]: answer } };
    this.#kept.set(id, { ...kept, entry });
    return entry;
  }

  async entry(id: number): Promise<TimelineEntry | undefined> {
    return this.#kept.get(id)?.entry;
  }

  async picture(id: number): Promise<Uint8Array | undefined> {
    return this.#kept.get(id)?.pictures.picture;
  }

  async thumbnail(id: number): Promise<Uint8Array | undefined> {
    return this.#kept.get(id)?.pictures.thumbnail;
  }

  async remove(ids: readonly number[]): Promise<number> {
    return ids.filter((id) => this.#kept.delete(id)).length;
  }

  async cameras(): Promise<readonly TimelineCamera[]> {
    const cameras = new Map<string, TimelineCamera>();
    for (const { camera, timeMs } of this.#sorted()) {
      const { entries, lastMs } = cameras.get(camera) ?? { entries: 0, lastMs: timeMs };
      cameras.set(camera, { camera, entries: entries + 1, lastMs });
    }
    return [...cameras.values()];
  }

  async days({ camera }: { readonly camera?: string } = {}): Promise<readonly TimelineDay[]> {
    const days = new Map<string, TimelineDay>();
    for (const entry of this.#sorted()) {
      if (camera !== undefined && entry.camera !== camera) continue;
      const at = new Date(entry.timeMs);
      const two = (value: number): string => String(value).padStart(2, '0');
      const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
      const { entries, changed } = days.get(day) ?? { entries: 0, changed: 0 };
      days.set(day, { day, entries: entries + 1, changed: changed + (entry.changed ? 1 : 0) });
    }
    return [...days.values()];
  }

  async summary({ from, to }: { readonly from: number; readonly to: number }): Promise<TimelineSummary[]> {
    const summaries = new Map<string, TimelineSummary>();
    for (const { camera, timeMs, changed } of this.#sorted()) {
      if (timeMs < from || timeMs >= to) continue;
      const {
        entries,
        changed: changes,
        lastMs,
      } = summaries.get(camera) ?? { entries: 0, changed: 0, lastMs: timeMs };
      const counts = { entries: entries + 1, changed: changes + (changed ? 1 : 0) };
      summaries.set(camera, { camera, ...counts, firstMs: timeMs, lastMs });
    }
    return [...summaries.values()].sort((a, b) => (a.camera < b.camera ? -1 : 1));
  }

  async statistics(): Promise<TimelineStatistics> {
    return { entries: this.#kept.size, cameras: (await this.cameras()).length, pictures: 0, bytes: 0 };
  }

  onAdded(listener: (entry: TimelineEntry) => void): () => void {
    this.#listening.add(listener);
    this.listeners = this.#listening.size;
    return () => {
      this.#listening.delete(listener);
      this.listeners = this.#listening.size;
    };
  }

  onTrouble(_listener: (error: SmolvlmError) => void): () => void {
    return () => {};
  }

  async close(): Promise<void> {}

  #sorted(): TimelineEntry[] {
    return [...this.#kept.values()].map(({ entry }) => entry).sort((a, b) => b.id - a.id);
  }
}
