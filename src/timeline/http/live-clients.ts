import { SmolvlmError } from '../../errors';
import { type Clock, systemClock } from '../../system/clock';
import type { TimelineStore } from '../timeline-store';
import { entryBody } from './entry-body';
import { type Exchange, streamHeaders } from './timeline-response';

export interface LiveLimits {
  /** Connections at the same time. */
  readonly clients: number;
  /** Bytes that a client may leave unread; a slower one is disconnected. */
  readonly unreadBytes: number;
  /** After this a stream ends, and the page opens the next: a login that has expired is noticed. */
  readonly lifetimeMs: number;
  readonly heartbeatMs: number;
}

export const liveLimits: LiveLimits = {
  clients: 32,
  unreadBytes: 1024 ** 2,
  lifetimeMs: 10 * 60_000,
  heartbeatMs: 5_000,
};

/** The streams of all timelines, on whatever servers their pages are. */
export class LiveTimelines {
  readonly #clock: Clock;
  readonly #limits: LiveLimits;
  readonly #timelines = new WeakMap<TimelineStore, LiveClients>();

  constructor(clock: Clock = systemClock, limits: LiveLimits = liveLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  of(store: TimelineStore): LiveClients {
    const found = this.#timelines.get(store) ?? new LiveClients(store, this.#clock, this.#limits);
    this.#timelines.set(store, found);
    return found;
  }
}

/** Streams of new entries (`text/event-stream`) of one timeline. */
class LiveClients {
  readonly #store: TimelineStore;
  readonly #clock: Clock;
  readonly #limits: LiveLimits;
  readonly #clients = new Set<Exchange['response']>();
  #stopListening: (() => void) | undefined;

  constructor(store: TimelineStore, clock: Clock, limits: LiveLimits) {
    this.#store = store;
    this.#clock = clock;
    this.#limits = limits;
  }

  /**
   * Keeps a response open for new entries.
   * @param isServed false once the timeline is closed: the stream then ends, and the page looks for the next one
   * @throws SmolvlmError `timeline-pages`
   */
  open({ request, response }: Exchange, isServed: () => boolean): void {
    if (this.#clients.size >= this.#limits.clients) {
      throw new SmolvlmError('timeline-pages', `${this.#limits.clients} pages already receive new captions`, {
        hint: 'Close the captions page where it is not needed.',
      });
    }
    response.writeHead(200, { ...streamHeaders, 'content-type': 'text/event-stream; charset=utf-8' });
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    response.on('error', () => {});
    response.write(': live\n\n');
    this.#clients.add(response);
    this.#stopListening ??= this.#store.onAdded((entry) => this.#send('entry', entryBody(entry)));
    let stopBeat = (): void => {};
    const beat = (): void => {
      stopBeat = this.#clock.after(this.#limits.heartbeatMs, () => {
        if (!isServed()) {
          response.end();
          return;
        }
        this.#write(response, ': alive\n\n');
        beat();
      });
    };
    beat();
    const stopLifetime = this.#clock.after(this.#limits.lifetimeMs, () => response.end());
    response.once('close', () => {
      stopBeat();
      stopLifetime();
      this.#clients.delete(response);
      if (this.#clients.size > 0) return;
      this.#stopListening?.();
      this.#stopListening = undefined;
    });
  }

  removed(ids: readonly number[]): void {
    this.#send('removed', ids.map(String));
  }

  #send(event: string, data: unknown): void {
    const text = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    for (const response of this.#clients) this.#write(response, text);
  }

  #write(response: Exchange['response'], text: string): void {
    if (response.writableLength > this.#limits.unreadBytes) response.destroy();
    else response.write(text);
  }
}
