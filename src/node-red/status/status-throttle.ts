import { isDeepStrictEqual } from 'node:util';
import { type Clock, systemClock } from '../../system/clock';
import type { NodeStatus } from './node-status';

/** Each change is a message to every open editor. More than this cannot be read. */
const changesPerSecond = 2;

/** Shows at most two status changes per second; of those in between, the last one follows when its time comes. */
export class StatusThrottle {
  readonly #send: (status: NodeStatus) => void;
  readonly #clock: Clock;
  /** Times of the last changes, oldest first. */
  readonly #sentAtMs: number[] = [];
  #shown: NodeStatus | undefined;
  #next: NodeStatus | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor(send: (status: NodeStatus) => void, clock = systemClock) {
    this.#send = send;
    this.#clock = clock;
  }

  readonly show = (status: NodeStatus): void => {
    this.#next = status;
    if (this.#cancelTimer) return;
    const [oldest = 0] = this.#sentAtMs;
    const waitMs =
      this.#sentAtMs.length < changesPerSecond ? 0 : Math.max(0, oldest + 1000 - this.#clock.now());
    if (waitMs === 0) this.#flush();
    else this.#cancelTimer = this.#clock.after(waitMs, () => this.#flush());
  };

  /** Discards a change that is still due. */
  close(): void {
    this.#cancelTimer?.();
    this.#next = undefined;
  }

  #flush(): void {
    this.#cancelTimer = undefined;
    const status = this.#next;
    this.#next = undefined;
    if (!status || isSame(status, this.#shown)) return;
    this.#shown = status;
    this.#sentAtMs.push(this.#clock.now());
    if (this.#sentAtMs.length > changesPerSecond) this.#sentAtMs.shift();
    this.#send(status);
  }
}

function isSame(one: NodeStatus, other: NodeStatus | undefined): boolean {
  return isDeepStrictEqual(one, other);
}
