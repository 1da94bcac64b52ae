import type { Clock } from '../system/clock';

/**
 * How a start of the engine failed. `killed`: a signal ended it. `unused`: it ended by itself before this process, which
 * was stopped or had no processor, could use it. `incomplete`: files of its package were missing or cut off.
 */
export type StartFailure = 'killed' | 'unused' | 'incomplete' | 'other';

/** Starts repeated after engines that were killed or unused. A signal may come from a kernel without memory. */
const mostRepeatedStarts = 2;

/** npm removes a package's files and copies the new ones for several seconds. */
const incompleteMs = 15_000;
const firstPauseMs = 250;
const longestPauseMs = 2_000;

/** Decides whether an engine that failed to start is started again. */
export class StartRetries {
  readonly #clock: Clock;
  #repeatedStarts = 0;
  #incompleteSince: number | undefined;
  #pauseMs = firstPauseMs;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns milliseconds until the next start; undefined: the failure is final */
  pauseMs(failure: StartFailure): number | undefined {
    if (failure === 'killed' || failure === 'unused') {
      this.#repeatedStarts += 1;
      return this.#repeatedStarts > mostRepeatedStarts ? undefined : 0;
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

/** What Node.js writes about a file that is not there, or not whole: of code, of JSON, of native code. */
const incompleteFile =
  /MODULE_NOT_FOUND|Cannot find (?:module|package)|SyntaxError|ERR_INVALID_PACKAGE_CONFIG|ERR_DLOPEN_FAILED/;

/**
 * @param log what the engine wrote since its start
 * @param end its exit code, or that a signal ended it; an empty program ends with 0 and writes nothing
 */
export function startFailure(log: string, end: number | 'signal' | undefined): StartFailure {
  if (end === 'signal') return 'killed';
  if (incompleteFile.test(log)) return 'incomplete';
  if (end !== 0) return 'other';
  return log.trim() === '' ? 'incomplete' : 'unused';
}
