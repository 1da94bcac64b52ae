import { SmolvlmError } from '../../errors';
import { defined } from '../../system/defined';
import { dayTimes } from '../day-times';
import type { TimelineQuery } from '../timeline-store';
import { type ExportFormat, exportFormats } from './timeline-api';

/** Of a page's request for entries. */
const maxPageEntries = 200;
const maxTextCharacters = 200;
const maxCameraCharacters = 256;
const maxIdCharacters = 80;
const defaultCalendarDays = 7;
const dayMs = 24 * 60 * 60_000;

const filterFields = ['text', 'camera', 'from', 'to', 'day', 'changed'];

/** Filter and page of `GET entries`. @throws SmolvlmError `request-invalid` */
export function pageQuery(values: URLSearchParams): TimelineQuery {
  checkFields(values, [...filterFields, 'before', 'limit']);
  return {
    ...filterOf(values),
    ...defined({ before: integer(values, 'before', Number.MAX_SAFE_INTEGER), limit: limitOf(values) }),
  };
}

/** Filter and format of `GET export`. @throws SmolvlmError `request-invalid` */
export function exportQuery(values: URLSearchParams): {
  readonly filter: TimelineQuery;
  readonly format: ExportFormat;
} {
  checkFields(values, [...filterFields, 'format']);
  const given = values.get('format') ?? 'json';
  const format = exportFormats.find((each) => each === given);
  if (format === undefined) throw invalid('format', `one of ${exportFormats.join(', ')}`, given);
  return { filter: filterOf(values), format };
}

/** Timeline and filter of `GET calendar.ics`. @throws SmolvlmError `request-invalid` */
export function calendarQuery(
  values: URLSearchParams,
  nowMs: number,
): { readonly timeline?: string; readonly filter: TimelineQuery } {
  checkFields(values, ['timeline', 'text', 'camera', 'changed', 'days']);
  const days = integer(values, 'days', 366, 1) ?? defaultCalendarDays;
  return {
    ...defined({ timeline: text(values, 'timeline', maxIdCharacters) }),
    filter: { ...filterOf(values), from: nowMs - days * dayMs },
  };
}

/** Camera of `GET days`. @throws SmolvlmError `request-invalid` */
export function daysQuery(values: URLSearchParams): { readonly camera?: string } {
  checkFields(values, ['camera']);
  return defined({ camera: text(values, 'camera', maxCameraCharacters) });
}

/** @throws SmolvlmError `request-invalid` for any field */
export function noQuery(values: URLSearchParams): void {
  checkFields(values, []);
}

/** An entry's id in an address. @throws SmolvlmError `request-invalid` */
export function entryId(given = ''): number {
  const id = Number(given);
  if (!/^\d+$/.test(given) || !Number.isSafeInteger(id))
    throw invalid('entry', 'the number of an entry', given);
  return id;
}

function filterOf(values: URLSearchParams): TimelineQuery {
  const day = values.get('day');
  const times = { from: time(values, 'from'), to: time(values, 'to') };
  if (day !== null && (times.from !== undefined || times.to !== undefined)) {
    throw new SmolvlmError('request-invalid', 'expected "day", or "from" and "to", received both');
  }
  return defined({
    text: text(values, 'text', maxTextCharacters)?.trim() || undefined,
    camera: text(values, 'camera', maxCameraCharacters),
    ...(day === null ? times : timesOf(day)),
    changed: flag(values, 'changed') || undefined,
  });
}

function timesOf(day: string): { readonly from: number; readonly to: number } {
  const times = dayTimes(day);
  if (times) return times;
  throw invalid('day', 'a day such as 2026-11-27', day);
}

function checkFields(values: URLSearchParams, known: readonly string[]): void {
  for (const name of new Set(values.keys())) {
    if (!known.includes(name)) {
      const expected = known.length === 0 ? 'no fields' : `the fields ${known.join(', ')}`;
      throw new SmolvlmError('request-invalid', `expected ${expected}, received "${name.slice(0, 50)}"`);
    }
    if (values.getAll(name).length > 1)
      throw invalid(name, 'one value', `${values.getAll(name).length} values`);
  }
}

function text(values: URLSearchParams, name: string, maxCharacters: number): string | undefined {
  const given = values.get(name);
  if (given === null) return undefined;
  if (given.length > maxCharacters) {
    throw invalid(name, `at most ${maxCharacters} characters`, `${given.length} characters`);
  }
  return given;
}

/** ISO 8601, where a day alone is its beginning on this machine, or milliseconds since 1970. */
function time(values: URLSearchParams, name: string): number | undefined {
  const given = values.get(name);
  if (given === null) return undefined;
  const ms = /^\d+$/.test(given)
    ? Number(given)
    : /^\d{4}-\d\d-\d\d/.test(given)
      ? (dayTimes(given)?.from ?? Date.parse(given))
      : Number.NaN;
  if (Number.isSafeInteger(ms)) return ms;
  throw invalid(name, 'a time such as 2026-11-27T08:00:00Z, or milliseconds since 1970', given);
}

function flag(values: URLSearchParams, name: string): boolean {
  const given = values.get(name);
  if (given === null || given === 'false') return false;
  if (given === 'true') return true;
  throw invalid(name, 'true or false', given);
}

function integer(values: URLSearchParams, name: string, most: number, least = 0): number | undefined {
  const given = values.get(name);
  if (given === null) return undefined;
  const number = Number(given);
  if (/^\d+$/.test(given) && number >= least && number <= most) return number;
  throw invalid(name, `an integer of ${least} to ${most}`, given);
}

function limitOf(values: URLSearchParams): number | undefined {
  return integer(values, 'limit', maxPageEntries, 1);
}

function invalid(name: string, expected: string, received: string): SmolvlmError {
  return new SmolvlmError(
    'request-invalid',
    `${name}: expected ${expected}, received "${received.slice(0, 80)}"`,
  );
}
