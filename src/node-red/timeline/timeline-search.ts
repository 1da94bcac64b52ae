import { SmolvlmError } from '../../errors';
import { timeOf } from '../../protocol/message-time';
import { defined } from '../../system/defined';
import { dayTimes } from '../../timeline/day-times';
import { spokenQuery } from '../../timeline/spoken-query';
import type { TimelineEntry } from '../../timeline/timeline-entry';
import type { TimelineQuery } from '../../timeline/timeline-store';
import { fieldNumber } from '../number-field';

const dayMs = 86_400_000;

/** A row of a search's answer. */
export interface TimelineRow extends Omit<TimelineEntry, 'timeMs'> {
  /** ISO 8601. */
  readonly time: string;
}

export function rowOf({ timeMs, ...entry }: TimelineEntry): TimelineRow {
  return { ...entry, time: new Date(timeMs).toISOString() };
}

/**
 * What a search message asks for: words or a question as text, or an object of `text`, `camera`, `from`, `to`, `days`,
 * `changed`, `before`, `limit`.
 * @throws SmolvlmError `timeline-search`
 */
export function searchQuery(payload: unknown, cameras: readonly string[], nowMs: number): TimelineQuery {
  if (typeof payload === 'string') return spokenQuery(payload, cameras, nowMs);
  if (payload === undefined || payload === null) return {};
  if (typeof payload !== 'object' || Array.isArray(payload)) {
    throw unexpected('a string or an object', payload);
  }
  const { text, camera, from, to, days, changed, before, limit } = payload as Record<string, unknown>;
  for (const [name, value] of Object.entries({ text, camera })) {
    if (value !== undefined && typeof value !== 'string') throw unexpected(`a string in ${name}`, value);
  }
  if (changed !== undefined && typeof changed !== 'boolean')
    throw unexpected('true or false in changed', changed);
  const count = fieldNumber(days as number | undefined, 'msg.payload.days', { least: 0, most: 36_500 });
  return defined({
    text: text as string | undefined,
    camera: (camera as string | undefined) || undefined,
    from: count === undefined ? moment('from', from) : nowMs - count * dayMs,
    to: moment('to', to),
    changed,
    before: fieldNumber(before as number | undefined, 'msg.payload.before', {
      least: 0,
      most: Number.MAX_SAFE_INTEGER,
    }),
    limit: fieldNumber(limit as number | undefined, 'msg.payload.limit', {
      least: 1,
      most: 1000,
      isWhole: true,
    }),
  });
}

function moment(name: string, value: unknown): number | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  // A day alone is its beginning on this machine, not in Greenwich.
  const time = (typeof value === 'string' ? dayTimes(value.trim())?.from : undefined) ?? timeOf(value);
  if (time === undefined) throw unexpected(`a time such as 2026-11-27T08:00 in ${name}`, value);
  return time;
}

function unexpected(expected: string, received: unknown): SmolvlmError {
  const shown = typeof received === 'object' ? JSON.stringify(received) : String(received);
  return new SmolvlmError('timeline-search', `expected ${expected}, received ${shown.slice(0, 100)}`, {
    hint: 'Send words, or an object such as {"text": "parcel", "camera": "porch", "days": 7}.',
  });
}
