import { resolve } from 'node:path';
import { openTimeline } from '../../timeline/sqlite/open-timeline';
import { retentionLimits, type TimelineStore } from '../../timeline/timeline-store';
import { type OptionValues, optionalInteger, UsageError } from '../command/command';

const { days: dayLimits, megabytes: megabyteLimits } = retentionLimits;

/** The timeline of `--timeline DIR`. @throws UsageError; SmolvlmError `timeline-…` */
export async function openServedTimeline(
  values: OptionValues,
  log: (line: string) => void,
): Promise<TimelineStore | undefined> {
  const days = optionalInteger(values, 'timeline-days', dayLimits.least, dayLimits.most);
  const megabytes = optionalInteger(values, 'timeline-mb', megabyteLimits.least, megabyteLimits.most);
  if (typeof values.timeline !== 'string' || values.timeline === '') {
    if (days === undefined && megabytes === undefined && values.timeline === undefined) return undefined;
    throw new UsageError('--timeline-days and --timeline-mb need --timeline DIR');
  }
  const folder = resolve(values.timeline);
  const store = await openTimeline({
    folder,
    retention: { days: days ?? dayLimits.standard, megabytes: megabytes ?? megabyteLimits.standard },
  });
  const { entries } = await store.statistics();
  log(`the timeline in ${folder} has ${entries} entries`);
  return store;
}
