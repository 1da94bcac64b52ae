import { SmolvlmError } from '../../src/errors';
import { answerWords, isSameText } from '../../src/timeline/sqlite/entry-row';
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
import { hasWords } from './word-search';

interface Kept {
  readonly entry: TimelineEntry;
  readonly pictures: TimelinePictures;
}

/** A store in memory, for tests of what uses one. */
export class MemoryTimeline implements TimelineStore {
  /** How many listeners there are. */
  listeners = 0;
  readonly #kept = new Map<number, Kept>();
  readonly #listening = new Set<(entry: TimelineEntry) => void>();
  #sequence = 0;
  #isClosed = false;

  async add(entry: NewTimelineEntry, pictures: TimelinePictures = {}): Promise<number> {
    if (this.#isClosed) throw new SmolvlmError('timeline-closed', 'the timeline is closed');
    const { timeMs = Date.now(), answers, ...rest } = entry;
    if (!(timeMs >= 0)) {
      throw new SmolvlmError('timeline-time', `expected a time from 1970, received ${timeMs} ms`);
    }
    const id = timeMs * 1000 + this.#sequence++;
    const changed = entry.changed ?? this.#isChange(entry, id);
    const hasPicture = pictures.picture !== undefined;
    const kept = {
      ...rest,
      ...(answers && { answers: held(answers) }),
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
        (text === undefined || hasWords(`${entry.text} ${answerWords(entry.answers)}`, text)) &&
        (camera === undefined || entry.camera === camera) &&
        (changed === undefined || entry.changed === changed) &&
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
    return [...cameras.values()].sort((a, b) => (a.camera < b.camera ? -1 : 1));
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
    const sorted = this.#sorted();
    const [newest, oldest] = [sorted[0], sorted.at(-1)];
    return {
      entries: sorted.length,
      cameras: (await this.cameras()).length,
      pictures: sorted.filter(({ hasPicture }) => hasPicture).length,
      bytes: 0,
      ...(oldest && newest && { oldestMs: oldest.timeMs, newestMs: newest.timeMs }),
    };
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

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  #isChange({ camera, text }: NewTimelineEntry, id: number): boolean {
    const before = this.#sorted().find((entry) => entry.camera === camera && entry.id < id);
    return before === undefined || !isSameText(before.text, text);
  }

  #sorted(): TimelineEntry[] {
    return [...this.#kept.values()].map(({ entry }) => entry).sort((a, b) => b.id - a.id);
  }
}

/** Answers as JSON holds them. */
function held(answers: NonNullable<NewTimelineEntry['answers']>): NonNullable<NewTimelineEntry['answers']> {
  try {
    return JSON.parse(JSON.stringify(answers));
  } catch (error) {
    throw new SmolvlmError('timeline-message', `expected answers that JSON can hold: ${error}`);
  }
}
