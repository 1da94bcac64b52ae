import { defined } from '../../system/defined';
import type { TimelineClient } from './client/timeline-client';
import { calendarAddress, type PageAddress } from './page-address';
import { exportDialog } from './page-dialogs';
import { element } from './parts/element';
import type { Words } from './parts/page-words';

/** Time for the browser to read a file that is saved. */
const savingMs = 60_000;

interface ExportOptions {
  readonly words: Words;
  readonly client: TimelineClient;
  readonly filter: PageAddress['filter'];
  /** Nothing is filtered. */
  readonly isAll: boolean;
  /** Where there are several. */
  readonly timeline?: string;
}

/** The menu's choice that saves the captions which are shown, or names a calendar of them. */
export function exportChoice(options: ExportOptions): readonly [label: string, run: () => void] {
  const { words, client, filter, isAll } = options;
  const save = async (
    format: Parameters<TimelineClient['export']>[0],
    signal: AbortSignal,
  ): Promise<void> => {
    const address = URL.createObjectURL(await client.export(format, filter, signal));
    element('a', { href: address, download: `${words.translate('exportName')}.${format}` }).click();
    setTimeout(() => URL.revokeObjectURL(address), savingMs);
  };
  return [words.translate('export'), () => exportDialog(words, !isAll, calendarOf(options), save)];
}

/** The calendar has the same filters, except the day: it always shows the last ones. */
function calendarOf({ filter: { text, camera, changed }, timeline }: ExportOptions): string {
  return calendarAddress(defined({ text, camera, changed: changed ? 'true' : undefined, timeline }));
}
