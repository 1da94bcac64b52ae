import type { TimelineRetention } from '../timeline-store';
import { pageBytes, type TimelineDatabase } from './timeline-database';

export interface RetentionSettings extends TimelineRetention {
  /** Days replace the general ones; megabytes apply beside the general ones. */
  readonly cameras?: Readonly<Record<string, TimelineRetention>>;
}

export const megabyte = 1_000_000;
const dayMs = 86_400_000;

/** Entries that one transaction deletes: some ten milliseconds. */
const chunk = 200;
/** Room is made for a little more than is needed, so that not every entry has to delete one. */
const spareShare = 0.002;

/** What the write-ahead log may take of the limit. */
export function logReserveBytes(limitBytes: number): number {
  return Math.min(8 * megabyte, Math.max(megabyte, limitBytes / 10));
}

/** Pages that the file may have: the limit without the log's part. SQLite is told this number and does not exceed it. */
export function mostPagesOf(limitBytes: number): number {
  return Math.floor((limitBytes - logReserveBytes(limitBytes)) / pageBytes);
}

/**
 * Deletes the oldest entries until there is room for new ones. Call it in a transaction.
 * @param spareBytes what the word index needs beside the entries while it merges its parts
 */
export function makeRoom(
  database: TimelineDatabase,
  neededBytes: number,
  limitBytes: number,
  spareBytes = 0,
): void {
  while (removeExcess(database, neededBytes, limitBytes, spareBytes) > 0);
}

/** Deletes some of the oldest entries, unless there is room for new ones. Call it in a transaction. @returns how many: 0 when there is room */
export function removeExcess(
  database: TimelineDatabase,
  neededBytes: number,
  limitBytes: number,
  spareBytes: number,
): number {
  const mostPages = mostPagesOf(limitBytes) - Math.ceil(spareBytes / pageBytes);
  const neededPages = Math.ceil(neededBytes / pageBytes) + 1;
  const { all, free } = database.statements.pages();
  const excess = all - free + neededPages - mostPages;
  return excess > 0 ? removeOldest(database, (excess + mostPages * spareShare) * pageBytes, undefined) : 0;
}

/** Deletes the oldest entries of cameras that take more than their share. Call it in a transaction. */
export function keepShares(database: TimelineDatabase, settings: RetentionSettings): void {
  while (removeAboveShare(database, settings) > 0);
}

/** Deletes some of the oldest entries of a camera that takes more than its share. Call it in a transaction. @returns how many: 0 when none does */
export function removeAboveShare(database: TimelineDatabase, { cameras = {} }: RetentionSettings): number {
  for (const { id, camera, bytes } of database.reader.cameraShares()) {
    const { megabytes } = cameras[camera] ?? {};
    if (megabytes === undefined || bytes <= megabytes * megabyte) continue;
    const removed = removeOldest(database, bytes - megabytes * megabyte, id);
    if (removed > 0) return removed;
  }
  return 0;
}

/** Deletes some entries that are too old. Call it in a transaction. @returns how many: 0 when none is left */
export function removeExpired(
  database: TimelineDatabase,
  settings: RetentionSettings,
  nowMs: number,
): number {
  const { days, cameras = {} } = settings;
  for (const { id, camera } of database.reader.cameraShares()) {
    const kept = cameras[camera]?.days ?? days;
    if (kept === undefined) continue;
    const old = database.reader.oldest(chunk, id, nowMs - kept * dayMs);
    for (const { id: entry } of old) database.remove(entry);
    if (old.length > 0) return old.length;
  }
  return 0;
}

function removeOldest(database: TimelineDatabase, bytes: number, camera: number | undefined): number {
  let freed = 0;
  let removed = 0;
  for (const entry of database.reader.oldest(chunk, camera)) {
    if (freed >= bytes) break;
    database.remove(entry.id);
    freed += entry.bytes;
    removed++;
  }
  return removed;
}
