import type { EntryBody } from '../../http/timeline-api';
import { ServerRefusal, type TimelineClient } from './timeline-client';

export interface LiveEvents {
  onEntry(entry: EntryBody): void;
  onRemoved(ids: readonly string[]): void;
  /** @param isLive false while there is no connection */
  onState(isLive: boolean): void;
  /** The server no longer accepts the token. */
  onRefused(): void;
}

const firstWaitMs = 1_000;
const longestWaitMs = 30_000;

/** Keeps a connection for new entries, and opens the next one after it was lost. */
export class LiveEntries {
  readonly #client: TimelineClient;
  readonly #events: LiveEvents;
  readonly #stop = new AbortController();
  #wake = (): void => {};

  constructor(client: TimelineClient, events: LiveEvents) {
    this.#client = client;
    this.#events = events;
    const wake = (): void => this.#wake();
    const { signal } = this.#stop;
    addEventListener('online', wake, { signal });
    document.addEventListener('visibilitychange', () => document.hidden || wake(), { signal });
    void this.#run();
  }

  close(): void {
    this.#stop.abort();
    this.#wake();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    let waitMs = firstWaitMs;
    while (!signal.aborted) {
      try {
        const opened = (): void => {
          waitMs = firstWaitMs;
          this.#events.onState(true);
        };
        for await (const { event, data } of this.#client.live(signal, opened)) this.#take(event, data);
        // The server ends the stream now and then, so that a token that has expired is noticed.
        await this.#wait(firstWaitMs);
        continue;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ServerRefusal && error.status === 401) {
          this.#events.onRefused();
          return;
        }
      }
      this.#events.onState(false);
      await this.#wait(waitMs);
      waitMs = Math.min(2 * waitMs, longestWaitMs);
    }
  }

  #take(event: string, data: string): void {
    if (event === 'entry') this.#events.onEntry(JSON.parse(data) as EntryBody);
    if (event === 'removed') this.#events.onRemoved(JSON.parse(data) as readonly string[]);
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
