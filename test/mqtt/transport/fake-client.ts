import { EventEmitter } from 'node:events';
import type { WatchedClient } from '../../../src/mqtt/transport/publish-watch';

/** An mqtt.js client whose acknowledgements and connections a test gives. */
export class FakeClient extends EventEmitter implements WatchedClient {
  /** Messages in flight, by identifier. */
  readonly outgoing = new Map<number, (error?: unknown) => void>();
  /** Identifiers of what was taken back. */
  readonly removed: number[] = [];
  broken = false;
  #lastId = 0;

  readonly stream = {
    destroy: (): void => {
      this.broken = true;
    },
  };

  getLastMessageId(): number {
    return this.#lastId;
  }

  removeOutgoingMessage(id: number): void {
    this.removed.push(id);
    const done = this.outgoing.get(id);
    this.outgoing.delete(id);
    done?.(new Error('Message removed'));
  }

  /** What a transport's `send` does. */
  readonly send = (done: (error?: unknown) => void): void => {
    this.#lastId += 1;
    this.outgoing.set(this.#lastId, done);
  };

  acknowledge(id: number, error?: unknown): void {
    const done = this.outgoing.get(id);
    this.outgoing.delete(id);
    done?.(error);
  }
}
