import { connect, type Socket } from 'node:net';
import type { Clock } from '../system/clock';
import { unlessAborted } from '../system/unless-aborted';

/** An engine that ends finishes what it has begun within ten seconds. */
const longestMs = 12_000;

/**
 * Watches a local engine that is about to end: a connection on which nothing is sent stays open until the engine has
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
      socket.once('connect', () => resolve(end)).once('close', () => resolve(undefined));
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
