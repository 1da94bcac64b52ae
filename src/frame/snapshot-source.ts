import { setTimeout as delay } from 'node:timers/promises';
import { SmolvlmError } from '../errors';
import { type Credentials, fetchPictureWith } from '../picture/fetch-picture';
import { defaultPictureLimits } from '../picture/picture-limits';
import type { FrameSource, SourceHooks } from './frame-source';

/** Pause of the rhythm after a refused login. */
const loginRestMs = 60_000;

export interface SnapshotOptions {
  readonly url: URL;
  readonly credentials?: Credentials;
  /** Absent: only when asked. */
  readonly intervalMs?: number;
  readonly timeoutMs: number;
  /** Tries after the first. */
  readonly retries: number;
  /** Before the first retry; doubled for each further one. */
  readonly retryPauseMs?: number;
}

/** Fetches a camera's snapshot address, in a rhythm and when asked; never twice at once. */
export class SnapshotSource implements FrameSource {
  readonly #options: SnapshotOptions;
  readonly #hooks: SourceHooks;
  readonly #closing = new AbortController();
  readonly #timer: NodeJS.Timeout | undefined;
  #busy = false;
  /** No rhythm before: milliseconds since 1970. */
  #restsUntil = 0;

  constructor(options: SnapshotOptions, hooks: SourceHooks) {
    this.#options = options;
    this.#hooks = hooks;
    const { intervalMs } = options;
    if (intervalMs === undefined) return;
    this.#timer = setInterval(() => {
      if (Date.now() >= this.#restsUntil) this.take();
    }, intervalMs);
    this.take();
  }

  take(): void {
    if (this.#busy || this.#closing.signal.aborted) return;
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
    const { url, credentials, timeoutMs, retries, retryPauseMs = 500 } = this.#options;
    const { signal } = this.#closing;
    const limits = { ...defaultPictureLimits, fetchTimeoutMs: timeoutMs };
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        const fetched = await fetchPictureWith(url, limits, { signal, ...(credentials && { credentials }) });
        if (signal.aborted) return;
        this.#hooks.onConnected();
        this.#hooks.onFrame({ bytes: fetched.bytes, capturedAt: fetched.modifiedAt ?? Date.now() });
        return;
      } catch (error) {
        if (signal.aborted) return;
        const trouble = SmolvlmError.from(error);
        // Cameras lock out whoever tries a wrong password too often.
        if (trouble.code === 'image-login') this.#restsUntil = Date.now() + loginRestMs;
        if (attempt >= retries || trouble.code === 'image-login') {
          this.#hooks.onTrouble(trouble);
          return;
        }
        await delay(retryPauseMs * 2 ** attempt, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}
