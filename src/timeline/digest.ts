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
export const digestDays: Readonly<Record<DigestKind, number>> = { daily: 1, weekly: 7 };

/** @param fromMs the beginning; default: the same time of day one or seven days before the end */
export async function digestOf(
  store: TimelineStore,
  kind: DigestKind,
  toMs: number,
  fromMs = daysBefore(toMs, digestDays[kind]),
): Promise<Digest> {
  const range = { from: fromMs, to: toMs };
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

/** Days of the calendar, so that a change to summer time does not move the time of day. */
function daysBefore(ms: number, days: number): number {
  const time = new Date(ms);
  time.setDate(time.getDate() - days);
  return time.getTime();
}
