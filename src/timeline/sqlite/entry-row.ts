import { defined } from '../../system/defined';
import type { NewTimelineEntry, TimelineAnswer, TimelineEntry } from '../timeline-entry';
import type { SqlRow } from './sqlite-library';

/** Entries of one millisecond. */
export const idsPerMs = 1000;
/** Ids must stay exact as JavaScript numbers: until the year 2255. */
export const latestMs = Math.floor(Number.MAX_SAFE_INTEGER / idsPerMs) - 1;

/** Columns that an entry is made of; the camera's name is joined. */
export const entryColumns = `entry.id, camera.name AS camera, entry.text, entry.answers, entry.prompt, entry.model,
  entry.changed, entry.seconds, entry.width, entry.height, entry.thumbnail_bytes, entry.picture_bytes`;

export function entryOf(row: SqlRow): TimelineEntry {
  const id = Number(row.id);
  const text = (name: string) => (row[name] === null ? undefined : String(row[name]));
  const number = (name: string) => (row[name] === null ? undefined : Number(row[name]));
  const answers = text('answers');
  return {
    id,
    camera: String(row.camera),
    timeMs: Math.floor(id / idsPerMs),
    text: String(row.text),
    ...defined({
      answers: answers === undefined ? undefined : JSON.parse(answers),
      prompt: text('prompt'),
      model: text('model'),
    }),
    changed: row.changed === 1,
    ...defined({ seconds: number('seconds'), width: number('width'), height: number('height') }),
    hasPicture: Number(row.picture_bytes) > 0,
    hasThumbnail: Number(row.thumbnail_bytes) > 0,
  };
}

/** The words of answers, without the questions: a search finds what was there, not what was asked. */
export function answerWords(answers: NewTimelineEntry['answers']): string {
  const words: string[] = [];
  const add = (value: TimelineAnswer): void => {
    if (typeof value === 'string' || typeof value === 'number') words.push(String(value));
    else if (typeof value === 'object' && value !== null) for (const each of Object.values(value)) add(each);
  };
  for (const answer of Object.values(answers ?? {})) add(answer);
  return words.join(' ');
}

/** Whether two captions say the same: letter case, punctuation and spaces do not count. */
export function isSameText(a: string, b: string): boolean {
  return plain(a) === plain(b);
}

function plain(text: string): string {
  return text
    .normalize('NFC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

/** `20261127`, of the machine's time zone. */
export function dayNumber(timeMs: number): number {
  const date = new Date(timeMs);
  return date.getFullYear() * 10_000 + (date.getMonth() + 1) * 100 + date.getDate();
}

/** @param day `20261127` @returns `2026-11-27` */
export function dayText(day: number): string {
  const digits = String(day).padStart(8, '0');
  return `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`;
}

/** The smallest id of a time in ms since 1970. */
export function idAt(timeMs: number): number {
  return Math.min(latestMs, Math.max(0, Math.ceil(timeMs))) * idsPerMs;
}
