import type { Clock } from '../system/clock';

/** How a start of the engine failed. `killed`: a signal ended it. `incomplete`: files of its package were missing. */
export type StartFailure = 'killed' | 'incomplete' | 'other';

/** A signal may come from a kernel without memory. */
const mostKilledStarts = 2;

/** npm removes a package's files and copies the new ones for several seconds. */
const incompleteMs = 15_000;
const firstPauseMs = 250;
const longestPauseMs = 2_000;

/** Decides whether an engine that failed to start is started again. */
export class StartRetries {
  readonly #clock: Clock;
  #killedStarts = 0;
  #incompleteSince: number | undefined;
  #pauseMs = firstPauseMs;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns milliseconds until the next start; undefined: the failure is final */
  pauseMs(failure: StartFailure): number | undefined {
    if (failure === 'killed') {
      this.#killedStarts += 1;
      return this.#killedStarts > mostKilledStarts ? undefined : 0;
    }
    if (failure === 'other') return undefined;
    const now = this.#clock.now();
    this.#incompleteSince ??= now;
    if (now - this.#incompleteSince >= incompleteMs) return undefined;
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(2 * pauseMs, longestPauseMs);
    return pauseMs;
  }
}

/** What Node.js writes about a file that is not there. */
const missingModule = /MODULE_NOT_FOUND|Cannot find (?:module|package)/;

/** @param log what the engine wrote since its start @param killed whether a signal ended it */
export function startFailure(log: string, killed: boolean): StartFailure {
  if (killed) return 'killed';
  return missingModule.test(log) ? 'incomplete' : 'other';
}
