import { SmolvlmError } from '../errors';
import type { CameraAccess } from '../picture/camera/camera-access';
import { fetchPictureWith } from '../picture/fetch-picture';
import { defaultPictureLimits } from '../picture/picture-limits';
import { type Clock, systemClock } from '../system/clock';
import { defined } from '../system/defined';
import { shownAddress } from '../system/shown-address';
import type { FrameSource, SourceFrame, SourceHooks } from './frame-source';
import { pauseFor } from './keep-trying';
import { LoginPause } from './login-pause';

export interface SnapshotOptions extends CameraAccess {
  readonly url: URL;
  /** Absent: only on request. */
  readonly intervalMs?: number;
  readonly timeoutMs: number;
  /** Tries after the first. */
  readonly retries: number;
  /** Before the first retry; doubled for each further one. */
  readonly retryPauseMs?: number;
  readonly clock?: Clock;
}

/** Errors that another try does not change. */
const isFinal = (code: string): boolean => code === 'image-login' || code === 'image-certificate';

/** While a camera fails it is tried this often at least: one that returns is shown soon, whatever the interval. */
const longestPauseMs = 10_000;

/** Fetches a camera's snapshot address, at an interval and on request; never twice at once. */
export class SnapshotSource implements FrameSource {
  readonly #options: SnapshotOptions;
  readonly #hooks: SourceHooks;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  readonly #login = new LoginPause();
  #fetching: Promise<boolean> | undefined;
  #reported: { readonly text: string; readonly at: number } | undefined;
  /** Time of the clock before which the camera is not asked again, after it refused the login. */
  #pausedUntil = Number.NEGATIVE_INFINITY;

  constructor(options: SnapshotOptions, hooks: SourceHooks) {
    this.#options = options;
    this.#hooks = hooks;
    this.#clock = options.clock ?? systemClock;
    if (options.intervalMs !== undefined) void this.#repeat(options.intervalMs);
  }

  take(): void {
    if (this.#closing.signal.aborted) return;
    const pauseMs = this.#pausedUntil - this.#clock.now();
    if (pauseMs > 0) {
      this.#hooks.onTrouble(pausedError(this.#options.url, pauseMs), false);
      return;
    }
    void this.#begin();
  }

  close(): void {
    this.#closing.abort();
  }

  async #repeat(intervalMs: number): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const startedAt = this.#clock.now();
      const worked = await this.#begin();
      const now = this.#clock.now();
      const pauseMs = worked ? intervalMs : Math.min(intervalMs, longestPauseMs);
      await pauseFor(Math.max(0, startedAt + pauseMs - now, this.#pausedUntil - now), signal, this.#clock);
    }
  }

  /** @returns whether a picture came; of the fetch that is running, if there is one */
  #begin(): Promise<boolean> {
    this.#fetching ??= this.#fetch().then((outcome) => {
      // First of all: a request that the outcome causes is for the next picture.
      this.#fetching = undefined;
      return this.#tell(outcome);
    });
    return this.#fetching;
  }

  #tell(outcome: SourceFrame | SmolvlmError | undefined): boolean {
    if (!outcome || this.#closing.signal.aborted) return false;
    if (outcome instanceof SmolvlmError) {
      this.#report(outcome);
      return false;
    }
    this.#login.worked();
    this.#reported = undefined;
    this.#hooks.onConnected();
    this.#hooks.onFrame(outcome);
    return true;
  }

  /** @returns undefined if it was closed */
  async #fetch(): Promise<SourceFrame | SmolvlmError | undefined> {
    const { url, credentials, trust, timeoutMs, retries, retryPauseMs = 500 } = this.#options;
    const { signal } = this.#closing;
    const limits = { ...defaultPictureLimits, fetchTimeoutMs: timeoutMs };
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        const access = defined({ credentials, trust });
        const { bytes, takenAt } = await fetchPictureWith(url, limits, { signal, ...access });
        return { bytes, capturedAt: takenAt };
      } catch (error) {
        if (signal.aborted) return undefined;
        const trouble = SmolvlmError.from(error);
        if (trouble.code === 'image-login') this.#pausedUntil = this.#clock.now() + this.#login.refused();
        if (attempt >= retries || isFinal(trouble.code)) return trouble;
        await pauseFor(retryPauseMs * 2 ** attempt, signal, this.#clock);
      }
    }
    return undefined;
  }

  #report(trouble: SmolvlmError): void {
    const { intervalMs = 0 } = this.#options;
    const at = this.#clock.now();
    const reportEveryMs = Math.min(intervalMs * 0.9, 60_000);
    const text = `${trouble.code} ${trouble.message}`;
    const isKnown = this.#reported?.text === text && at - this.#reported.at < reportEveryMs;
    if (!isKnown) this.#reported = { text, at };
    this.#hooks.onTrouble(trouble, isKnown);
  }
}

function pausedError(url: URL, pauseMs: number): SmolvlmError {
  const seconds = Math.ceil(pauseMs / 1000);
  return new SmolvlmError(
    'image-login',
    `${shownAddress(url)} refused the login; the next attempt is in ${seconds} s`,
    { hint: 'Cameras lock after about five wrong logins. Correct user and password, and deploy.' },
  );
}
