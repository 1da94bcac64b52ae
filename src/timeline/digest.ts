import type { TimelineEntry } from './timeline-entry';
import type { TimelineStore, TimelineSummary } from './timeline-store';

export type DigestKind = 'daily' | 'weekly';

/** What happened in a range of times: counted and quoted, nothing is made up. */
export interface Digest {
  readonly kind: DigestKind;
  readonly fromMs: number;
  readonly toMs: number;
  readonly entries: number;
  readonly cameras: readonly CameraDigest[];
}

export interface CameraDigest extends TimelineSummary {
  /** Its last changes, newest first. */
  readonly changes: readonly Pick<TimelineEntry, 'id' | 'timeMs' | 'text'>[];
}

const quotedChanges = 3;
const days: Readonly<Record<DigestKind, number>> = { daily: 1, weekly: 7 };

/** @param toMs the end: the same time of day one or seven days before is the beginning */
export async function digestOf(store: TimelineStore, kind: DigestKind, toMs: number): Promise<Digest> {
  const begin = new Date(toMs);
  // Days of the calendar, so that a change to summer time does not move the time of day.
  begin.setDate(begin.getDate() - days[kind]);
  const range = { from: begin.getTime(), to: toMs };
  const cameras: CameraDigest[] = [];
  for (const summary of await store.summary(range)) {
    const { entries } = await store.search({
      ...range,
      camera: summary.camera,
      changed: true,
      limit: quotedChanges,
    });
    cameras.push({ ...summary, changes: entries.map(({ id, timeMs, text }) => ({ id, timeMs, text })) });
  }
  const entries = cameras.reduce((sum, camera) => sum + camera.entries, 0);
  return { kind, fromMs: range.from, toMs, entries, cameras };
}
