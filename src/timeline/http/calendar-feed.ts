import { SmolvlmError } from '../../errors';
import { calendarEnd, calendarEvent, calendarHead } from './calendar-file';
import type { Timeline } from './timeline';
import { calendarQuery } from './timeline-query';
import { type Exchange, queryOf, sendBody } from './timeline-response';

/** The newest of them: calendar programs read the whole file again each time. */
export const maxCalendarEntries = 500;

/** How often calendar programs that read the suggestion poll. */
const refresh = 'PT15M';

/** Sends the newest entries as a calendar to subscribe to, or 304 where the client has it. */
export async function sendCalendar(exchange: Exchange, timelines: readonly Timeline[]): Promise<void> {
  const { timeline: wanted, filter } = calendarQuery(queryOf(exchange), Date.now());
  const { id, name, store } = chosen(timelines, wanted);
  const { entries } = await store.search({ ...filter, limit: maxCalendarEntries });
  const events = entries.map((entry) => calendarEvent(entry, id));
  const file = [calendarHead(name || 'smolvlm', refresh), ...events, calendarEnd].join('');
  sendBody(exchange, 'text/calendar; charset=utf-8', file);
}

function chosen(timelines: readonly Timeline[], wanted: string | undefined): Timeline {
  if (wanted === undefined && timelines.length > 1) {
    const ids = timelines.map(({ id }) => id).join(', ');
    throw new SmolvlmError('request-invalid', `timeline: expected one of ${ids}, received none`, {
      hint: 'Add "timeline=" and an id to the address.',
    });
  }
  const found = timelines.find(({ id }) => wanted === undefined || id === wanted);
  if (found) return found;
  throw new SmolvlmError(
    'timeline-unknown',
    wanted === undefined ? 'there is no timeline' : `there is no timeline "${wanted}"`,
    { hint: 'It was removed from the flows, or its node is not deployed.' },
  );
}
