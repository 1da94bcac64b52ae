import { SmolvlmError } from '../../errors';

/** SQLite's primary result codes. */
const codes = {
  busy: 5,
  readOnly: 8,
  io: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
} as const;

/** SQLITE_CORRUPT_VTAB: only the word index is damaged. */
const damagedIndex = 267;

function resultCode(thrown: unknown): number | undefined {
  if (typeof thrown !== 'object' || thrown === null) return undefined;
  const { errcode, rawCode } = thrown as { errcode?: unknown; rawCode?: unknown };
  const code = errcode ?? rawCode;
  return typeof code === 'number' ? code : undefined;
}

export function isDamage(thrown: unknown): boolean {
  const code = (resultCode(thrown) ?? 0) & 255;
  return code === codes.corrupt || code === codes.notADatabase;
}

export function isFull(thrown: unknown): boolean {
  return ((resultCode(thrown) ?? 0) & 255) === codes.full;
}

export function isIndexDamage(thrown: unknown): boolean {
  return resultCode(thrown) === damagedIndex;
}

/** What SQLite throws, as this package's error. @param file the database */
export function timelineFailure(thrown: unknown, file: string): SmolvlmError {
  if (thrown instanceof SmolvlmError) return thrown;
  const why = thrown instanceof Error ? thrown.message : String(thrown);
  const cause = thrown;
  switch ((resultCode(thrown) ?? 0) & 255) {
    case codes.full:
      return new SmolvlmError('timeline-disk-full', `the disk has no room for ${file}: ${why}`, {
        hint: 'Free some space, or lower the timeline’s limit in megabytes.',
        cause,
      });
    case codes.readOnly:
    case codes.cannotOpen:
      return new SmolvlmError('timeline-folder', `cannot write to ${file}: ${why}`, {
        hint: 'Choose a folder that the user of this process may write to.',
        cause,
      });
    case codes.busy:
      return new SmolvlmError('timeline-in-use', `another process writes to ${file}: ${why}`, {
        hint: 'Use a folder that only one timeline uses.',
        cause,
      });
    case codes.corrupt:
    case codes.notADatabase:
      return new SmolvlmError('timeline-damaged', `damaged data in ${file}: ${why}`, {
        hint: 'Check the disk. The damaged file was moved aside, and a new one is in use.',
        cause,
      });
    default:
      return new SmolvlmError('timeline-write', `SQLite failed on ${file}: ${why}`, {
        hint: 'Check the disk, then restart the flow.',
        cause,
      });
  }
}
