import type { FetchProgress } from '../protocol/models/model-cache';
import { unlessAborted } from '../system/async/unless-aborted';

interface DownloadControl {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: FetchProgress) => void;
}

/** A model being fetched for one or more clients. It begins at once, and pauses when the last client leaves. */
export class ModelDownload {
  readonly #watchers = new Set<(progress: FetchProgress) => void>();
  readonly #paused = new AbortController();
  readonly #endListeners = new Set<() => void>();
  readonly #ended: Promise<void>;
  #last: FetchProgress | undefined;

  /** @param pull fetches what is missing */
  constructor(pull: (control: DownloadControl) => Promise<void>) {
    this.#ended = pull({
      signal: this.#paused.signal,
      onProgress: (progress) => {
        this.#last = progress;
        for (const watcher of this.#watchers) watcher(progress);
      },
    });
    const end = (): void => this.#end();
    this.#ended.then(end, end);
  }

  /** Calls back once, when the download has ended or pauses: a later caller then begins another. */
  onEnd(listener: () => void): void {
    this.#endListeners.add(listener);
  }

  /** Waits for the end. @param signal the caller leaves @throws what the download fails with; the signal's reason */
  async watch(onProgress: (progress: FetchProgress) => void, signal: AbortSignal): Promise<void> {
    this.#watchers.add(onProgress);
    if (this.#last) onProgress(this.#last);
    try {
      await unlessAborted(this.#ended, signal);
    } finally {
      this.#watchers.delete(onProgress);
      if (this.#watchers.size === 0) this.#pause();
    }
  }

  #pause(): void {
    this.#end();
    this.#paused.abort();
  }

  #end(): void {
    for (const listener of this.#endListeners) listener();
    this.#endListeners.clear();
  }
}
