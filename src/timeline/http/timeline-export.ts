import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { TimelineEntry } from '../timeline-entry';
import type { TimelinePage, TimelineQuery, TimelineStore } from '../timeline-store';
import { calendarEnd, calendarEvent, calendarHead } from './calendar-file';
import { csvHead, csvRow } from './csv-file';
import { entryBody } from './entry-body';
import type { Timeline } from './timeline';
import type { ExportFormat } from './timeline-api';
import { type Exchange, streamHeaders } from './timeline-response';

/** Entries that are read and written at a time. */
const pageEntries = 500;

interface FileForm {
  readonly type: string;
  readonly head: string;
  readonly between: string;
  readonly end: string;
  readonly row: (entry: TimelineEntry) => string;
}

/** Sends all entries of a filter as a file, no faster than the client reads it. */
export async function sendExport(
  { request, response }: Exchange,
  { id, name, store }: Timeline,
  filter: TimelineQuery,
  format: ExportFormat,
): Promise<void> {
  const form = formOf(format, id, name || 'smolvlm');
  // An error of the first page is still answered as one.
  const first = await store.search({ ...filter, limit: pageEntries });
  response.writeHead(200, {
    ...streamHeaders,
    'content-type': form.type,
    'content-disposition': `attachment; filename="captions.${format}"`,
  });
  if (request.method === 'HEAD') response.end();
  else await pipeline(Readable.from(pieces(store, filter, first, form)), response).catch(() => {});
}

async function* pieces(
  store: TimelineStore,
  filter: TimelineQuery,
  first: TimelinePage,
  { head, between, end, row }: FileForm,
): AsyncGenerator<string> {
  yield head;
  let isFirst = true;
  for (let page: TimelinePage | undefined = first; page !== undefined; ) {
    const rows = page.entries.map(row).join(between);
    if (rows !== '') yield `${isFirst ? '' : between}${rows}`;
    if (rows !== '') isFirst = false;
    page =
      page.next === undefined
        ? undefined
        : await store.search({ ...filter, limit: pageEntries, before: page.next });
  }
  yield end;
}

function formOf(format: ExportFormat, id: string, name: string): FileForm {
  switch (format) {
    case 'json':
      return {
        type: 'application/json; charset=utf-8',
        head: '[\n',
        between: ',\n',
        end: '\n]\n',
        row: (entry) => JSON.stringify(entryBody(entry)),
      };
    case 'csv':
      return { type: 'text/csv; charset=utf-8', head: csvHead, between: '', end: '', row: csvRow };
    case 'ics':
      return {
        type: 'text/calendar; charset=utf-8',
        head: calendarHead(name),
        between: '',
        end: calendarEnd,
        row: (entry) => calendarEvent(entry, id),
      };
  }
}
