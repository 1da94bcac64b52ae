import { defined } from '../../system/defined';
import type { EntryFilter } from './client/timeline-client';

/** What the address names: a timeline where there are several, a filter, the entry that is open. */
export interface PageAddress {
  readonly timeline?: string;
  readonly filter: EntryFilter;
  readonly entry?: string;
}

/** Reads the part of the address after `#`. Unknown names are left out. */
export function readAddress(hash: string = location.hash): PageAddress {
  const values = new URLSearchParams(hash.replace(/^#/, ''));
  const text = (name: string): string | undefined => values.get(name) || undefined;
  const day = text('day');
  const filter = {
    text: text('text'),
    // A camera may have an empty name.
    camera: values.get('camera') ?? undefined,
    day: day !== undefined && /^\d{4}-\d\d-\d\d$/.test(day) ? day : undefined,
    changed: values.get('changed') === 'true' || undefined,
  };
  return defined({ timeline: text('timeline'), filter: defined(filter), entry: text('entry') });
}

export function writeAddress({ timeline, filter, entry }: PageAddress): string {
  const { changed, ...texts } = filter;
  const values = { timeline, ...texts, changed: changed ? 'true' : undefined, entry };
  const query = new URLSearchParams(
    Object.entries(values).filter(([, value]) => value !== undefined) as [string, string][],
  );
  return `#${query}`;
}

/** The whole address of the calendar beside this page. */
export function calendarAddress(query: Readonly<Record<string, string>>, page = location.href): string {
  const address = new URL('calendar.ics', page);
  address.search = new URLSearchParams(query).toString();
  return address.href;
}
