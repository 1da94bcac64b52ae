import { SmolvlmError } from '../errors';
import type { CameraAccess } from '../picture/camera/camera-access';
import { fetchPictureWith } from '../picture/fetch-picture';
import { defaultPictureLimits } from '../picture/picture-limits';
import { type Clock, systemClock } from '../system/clock';
import { defined } from '../system/defined';
import { shownAddress } from '../system/shown-address';
import type { FrameSource, SourceHooks } from './frame-source';
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

/** Fetches a camera's snapshot address, at an interval and on request; never twice at once. */
export class SnapshotSource implements FrameSource {
  readonly #options: SnapshotOptions;
  readonly #hooks: SourceHooks;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #login = new LoginPause();
  #busy = false;
  /** Of the clock. The camera refused the login, and is left alone before. */
  #pausedUntil = Number.NEGATIVE_INFINITY;

  constructor(options: SnapshotOptions, hooks: SourceHooks) {
    this.#options = options;
    this.#hooks = hooks;
    this.#clock = options.clock ?? systemClock;
    const { intervalMs } = options;
    if (intervalMs === undefined) return;
    this.#timer = setInterval(() => {
      if (this.#clock.now() >= this.#pausedUntil) this.take();
    }, intervalMs);
    this.take();
  }

  take(): void {
    if (this.#busy || this.#closing.signal.aborted) return;
    const pauseMs = this.#pausedUntil - this.#clock.now();
    if (pauseMs > 0) {
      this.#hooks.onTrouble(pausedError(this.#options.url, pauseMs));
      return;
    }
    this.#busy = true;
    void this.#fetch().finally(() => {
      this.#busy = false;
    });
  }

  close(): void {
    clearInterval(this.#timer);
    this.#closing.abort();
  }

  async #fetch(): Promise<void> {
    const { url, credentials, trust, timeoutMs, retries, retryPauseMs = 500 } = this.#options;
    const { signal } = this.#closing;
    const limits = { ...defaultPictureLimits, fetchTimeoutMs: timeoutMs };
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        const fetched = await fetchPictureWith(url, limits, { signal, ...defined({ credentials, trust }) });
        if (signal.aborted) return;
        this.#login.worked();
        this.#hooks.onConnected();
        this.#hooks.onFrame({ bytes: fetched.bytes, capturedAt: fetched.modifiedAt ?? Date.now() });
        return;
      } catch (error) {
        if (signal.aborted) return;
        const trouble = SmolvlmError.from(error);
        if (trouble.code === 'image-login') this.#pausedUntil = this.#clock.now() + this.#login.refused();
        if (attempt >= retries || isFinal(trouble.code)) {
          this.#hooks.onTrouble(trouble);
          return;
        }
        await pauseFor(retryPauseMs * 2 ** attempt, signal, this.#clock);
      }
    }
  }
}

function pausedError(url: URL, pauseMs: number): SmolvlmError {
  const seconds = Math.ceil(pauseMs / 1000);
  return new SmolvlmError(
    'image-login',
    `${shownAddress(url)} refused the login and is not asked again for ${seconds} s`,
    { hint: 'Cameras lock after about five wrong logins. Correct user and password, and deploy.' },
  );
}
