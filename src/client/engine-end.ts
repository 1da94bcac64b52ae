import { connect, type Socket } from 'node:net';
import { unlessAborted } from '../system/async/unless-aborted';
import type { Clock } from '../system/clock';

/** An engine that ends finishes what it has begun within ten seconds. */
const longestMs = 12_000;

/**
 * Begins a request that is never completed. Node.js 26 closes a connection on which nothing was received as soon as its
 * server stops listening, and any version one that is late with its headers, after 60 s.
 */
const begun = 'GET ';

/**
 * Watches a local engine that is about to end: a connection on which a request has begun stays open until the engine has
 * closed its models, or its process has gone.
 */
export class EngineEnd {
  readonly #socket: Socket;
  readonly #closed: Promise<void>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#closed = new Promise((resolve) => {
      socket.once('close', () => resolve());
    });
  }

  /** @returns undefined where no engine listens */
  static async watch(socketPath: string): Promise<EngineEnd | undefined> {
    const socket = connect(socketPath);
    socket.on('error', () => {});
    socket.resume();
    const end = new EngineEnd(socket);
    return await new Promise((resolve) => {
      const watch = (): void => {
        socket.write(begun);
        resolve(end);
      };
      socket.once('connect', watch).once('close', () => resolve(undefined));
    });
  }

  /** Resolves when the engine has ended, or after a while. @throws the signal's reason when it aborts */
  async reached(clock: Clock, signal?: AbortSignal): Promise<void> {
    let cancel = (): void => {};
    const late = new Promise<void>((resolve) => {
      cancel = clock.after(longestMs, resolve);
    });
    try {
      await unlessAborted(Promise.race([this.#closed, late]), signal);
    } finally {
      cancel();
      this.close();
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}
