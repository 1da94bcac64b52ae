import type { TimelineEntry } from '../timeline-entry';
import { answerText } from './entry-body';

const columns = ['id', 'time', 'camera', 'text', 'changed', 'prompt', 'answers', 'model', 'seconds'] as const;

/** RFC 4180, with the byte order mark by which spreadsheets recognise UTF-8. */
export const csvHead = `\uFEFF${columns.join(',')}\r\n`;

export function csvRow(entry: TimelineEntry): string {
  const { id, timeMs, camera, text, changed, prompt = '', answers = {}, model = '', seconds = '' } = entry;
  const asked = Object.entries(answers).map(([question, answer]) => `${question} = ${answerText(answer)}`);
  const cells = [
    id,
    new Date(timeMs).toISOString(),
    camera,
    text,
    changed,
    prompt,
    asked.join('\n'),
    model,
    seconds,
  ];
  return `${cells.map(cell).join(',')}\r\n`;
}

/**
 * Spreadsheets run a cell that begins with one of these as a formula. A caption is what a model read in a picture, where
 * anybody can hold a sign into a camera; an apostrophe makes it text.
 */
const formula = /^\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r\n]/;

/** Where the list separator is not a comma, a cell begins here as well, even between quotes: in German and French, for example. */
const laterFormula = /([;\t\r\n]\s*)(?=[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])/g;

function cell(value: string | number | boolean): string {
  let text = String(value);
  if (typeof value === 'string')
    text = `${formula.test(value) ? "'" : ''}${value.replace(laterFormula, "$1'")}`;
  return /[",;\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
