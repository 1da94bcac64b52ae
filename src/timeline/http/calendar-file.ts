import type { TimelineEntry } from '../timeline-entry';
import { answerText } from './entry-body';

const maxSummaryCharacters = 120;

/**
 * The beginning of an iCalendar file (RFC 5545).
 * @param refresh how often subscribers read it again, such as `PT15M` (RFC 7986)
 */
export function calendarHead(name: string, refresh?: string): string {
  return lines([
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//rk3588//node-red-smolvlm//EN',
    `X-WR-CALNAME:${escaped(name)}`,
    ...(refresh === undefined
      ? []
      : [`REFRESH-INTERVAL;VALUE=DURATION:${refresh}`, `X-PUBLISHED-TTL:${refresh}`]),
  ]);
}

export const calendarEnd = 'END:VCALENDAR\r\n';

/** @param timeline part of the event's UID, so that two timelines can be in one calendar */
export function calendarEvent(entry: TimelineEntry, timeline: string): string {
  const { id, timeMs, camera, text, answers = {} } = entry;
  const asked = Object.entries(answers).map(([question, answer]) => `${question} ${answerText(answer)}`);
  const summary = [camera, shortened(text)].filter((part) => part !== '').join(': ');
  return lines([
    'BEGIN:VEVENT',
    `UID:${escaped(`${id}-${timeline}`)}@smolvlm`,
    `DTSTAMP:${utc(timeMs)}`,
    `DTSTART:${utc(timeMs)}`,
    'DURATION:PT1M',
    'TRANSP:TRANSPARENT',
    `SUMMARY:${escaped(summary)}`,
    `DESCRIPTION:${escaped([text, ...asked].join('\n'))}`,
    ...(camera === '' ? [] : [`LOCATION:${escaped(camera)}`]),
    'END:VEVENT',
  ]);
}

function lines(unfolded: readonly string[]): string {
  return unfolded.map((line) => `${folded(line)}\r\n`).join('');
}

/** At most 75 bytes a line; the next one begins with a space. No character is divided. */
function folded(line: string): string {
  let bytes = 0;
  let out = '';
  for (const character of line) {
    const size = Buffer.byteLength(character);
    if (bytes + size > 75) {
      out += '\r\n ';
      bytes = 1;
    }
    out += character;
    bytes += size;
  }
  return out;
}

function escaped(text: string): string {
  return (
    text
      .replace(/\r\n?/g, '\n')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 5545 allows no other control characters.
      .replace(/[\u0000-\u0009\u000B-\u001F\u007F]/g, ' ')
      .replace(/[\\;,]/g, '\\$&')
      .replaceAll('\n', '\\n')
  );
}

function shortened(text: string): string {
  const characters = [...text];
  return characters.length <= maxSummaryCharacters
    ? text
    : `${characters.slice(0, maxSummaryCharacters - 1).join('')}…`;
}

/** `20261127T081500Z` */
function utc(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+|[-:]/g, '');
}
