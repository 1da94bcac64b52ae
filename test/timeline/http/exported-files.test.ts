import assert from 'node:assert/strict';
import { parse } from 'csv-parse/sync';
import { calendarEnd, calendarEvent, calendarHead } from '../../../src/timeline/http/calendar-file';
import { csvHead, csvRow } from '../../../src/timeline/http/csv-file';
import type { TimelineEntry } from '../../../src/timeline/timeline-entry';

const timeMs = Date.UTC(2026, 10, 27, 8, 15);

function entry(text: string, more: Partial<TimelineEntry> = {}): TimelineEntry {
  const rest = { changed: true, hasPicture: false, hasThumbnail: false };
  return { id: timeMs * 1000, camera: 'porch', timeMs, text, ...rest, ...more };
}

/** Texts that break a file whose writer is careless. */
const hard = [
  'A comma, a semicolon; a backslash \\ and "quotes".',
  'Two\nlines,\r\nand a third.',
  `${'ö'.repeat(40)} ${'𝄞'.repeat(40)} ${'家'.repeat(40)}`,
  'BEGIN:VEVENT\nEND:VCALENDAR',
];

const loadIcal = async () => (await import('ical.js')).default;

describe('a calendar file, read by ical.js', () => {
  let ICAL: Awaited<ReturnType<typeof loadIcal>>;
  before(async () => {
    ICAL = await loadIcal();
  });

  for (const [index, text] of hard.entries()) {
    it(`gives text ${index + 1} back as it was`, () => {
      const file = calendarHead('Home; the, timeline') + calendarEvent(entry(text), 'home') + calendarEnd;
      for (const line of file.split('\r\n')) assert.ok(Buffer.byteLength(line) <= 75, line);
      assert.doesNotMatch(file, /[^\r]\n|\r[^\n]/);
      const calendar = new ICAL.Component(ICAL.parse(file));
      const [component, ...others] = calendar.getAllSubcomponents('vevent');
      assert.equal(others.length, 0);
      const event = new ICAL.Event(component ?? assert.fail('no event'));
      assert.equal(event.description, text.replaceAll('\r\n', '\n'));
      assert.equal(event.startDate.toJSDate().getTime(), timeMs);
      assert.equal(event.location, 'porch');
    });
  }

  it('has a UID for each entry of each timeline, the same in every export', () => {
    const uid = (id: number, timeline: string): unknown => {
      const file = calendarHead('') + calendarEvent(entry('A cat.', { id }), timeline) + calendarEnd;
      return new ICAL.Component(ICAL.parse(file))
        .getFirstSubcomponent('vevent')
        ?.getFirstPropertyValue('uid');
    };
    assert.equal(uid(1, 'a'), uid(1, 'a'));
    assert.equal(new Set([uid(1, 'a'), uid(2, 'a'), uid(1, 'b')]).size, 3);
  });
});

describe('a spreadsheet file, read by csv-parse', () => {
  const read = (...entries: readonly TimelineEntry[]): Record<string, string>[] =>
    parse(csvHead + entries.map(csvRow).join(''), { bom: true, columns: true });

  it('gives texts back as they were', () => {
    const rows = read(...hard.map((text) => entry(text)));
    assert.deepEqual(
      rows.map(({ text }) => text),
      hard,
    );
    assert.deepEqual([rows[0]?.time, rows[0]?.camera], ['2026-11-27T08:15:00.000Z', 'porch']);
  });

  it('holds no cell that a spreadsheet would run as a formula', () => {
    const formulas = [
      '=1+1',
      '+1',
      '-1',
      '@SUM(A1)',
      ' =1',
      '\t=1',
      '\r=1',
      '＝1',
      '|x',
      '=HYPERLINK("http://x")',
    ];
    for (const text of formulas) {
      const [row] = read(entry(text, { camera: text, prompt: text, answers: { [text]: text } }));
      assert.ok(row, text);
      for (const cell of Object.values(row)) assert.doesNotMatch(cell, /^\s*[=+\-@＝]/, text);
    }
  });

  it('holds no such cell either where semicolons or tabs separate', () => {
    const texts = ['A sign;=1+1', 'A sign; -1', 'A sign\t@SUM(A1)', 'Two lines\n+1', 'A sign;\n=1', '=1;=2'];
    const file = csvHead + texts.map((text) => csvRow(entry(text, { answers: { [text]: text } }))).join('');
    for (const cell of file.split(/[;\t\r\n]/)) assert.doesNotMatch(cell, /^\s*"?[=+\-@]/, file);
    const [row] = read(entry('A path; then a door - closed.'));
    assert.equal(row?.text, 'A path; then a door - closed.');
  });

  it('writes answers as lines', () => {
    const [row] = read(
      entry('A door.', { answers: { 'Is it open?': true, 'What colour?': null, 'How many?': 2 } }),
    );
    assert.equal(row?.answers, 'Is it open? = yes\nWhat colour? = not sure\nHow many? = 2');
  });
});
