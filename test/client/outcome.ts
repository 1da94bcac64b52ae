import type { DescribeFinal } from '../../src/protocol/events';

/** A request's end in words, e.g. `error engine-start`. */
export function outcome(final: DescribeFinal): string {
  if (final.type === 'result') return `result ${final.result.prompt}`;
  return final.type === 'error' ? `error ${final.error.code}` : `dropped ${final.reason}`;
}
