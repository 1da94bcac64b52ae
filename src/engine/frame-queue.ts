import { SmolvlmError } from '../errors';
import type { QueuePolicy } from '../protocol/describe-request';
import type { CameraStatus } from '../protocol/engine-status';
import type { DropReason } from '../protocol/events';
import type { Clock } from '../system/clock';
import { CameraCounts, type Outcome } from './camera-counts';

/** A request's place in the queue. */
export interface QueueTicket {
  readonly id: string;
  readonly camera: string;
  /** Queue within the camera's queue; usually absent. */
  readonly group?: string;
  readonly policy: QueuePolicy;
  /** Most frames of this camera and group that may wait. */
  readonly capacity: number;
  /** Higher runs first. */
  readonly priority: number;
  /** A frame that waits longer than this is dropped as `expired`. */
  readonly maxAgeMs?: number;
  /** Size of its pictures, which are held while it waits. */
  readonly sizeBytes: number;
}

export interface FrameQueueOptions {
  readonly clock: Clock;
  /** Over all cameras. */
  readonly maxWaiting: number;
  readonly maxWaitingBytes: number;
  /** Called when a waiting frame is dropped by the queue itself or by `drop`. */
  readonly onDrop: (id: string, reason: DropReason, message: string) => void;
}

interface Waiting {
  readonly ticket: QueueTicket;
  readonly sequence: number;
  readonly cancelExpiry: () => void;
}

/**
 * Waiting frames, in a bounded queue per camera and group. The next frame is the one with the highest priority, then of
 * the camera served longest ago, then of that camera's group served longest ago, then the first to arrive.
 */
export class FrameQueue {
  readonly #options: FrameQueueOptions;
  readonly #counts = new CameraCounts();
  readonly #waiting = new Map<string, Waiting>();
  readonly #running = new Map<string, QueueTicket>();
  /** Running frames that take no place in flight, by id; `ready` ones wait for a place. */
  readonly #aside = new Map<string, 'busy' | 'ready'>();
  /** Sequence number at which each camera was last served. */
  readonly #cameraServedAt = new Map<string, number>();
  /** The same for each camera's groups. */
  readonly #groupServedAt = new Map<string, number>();
  #sequence = 0;
  #waitingBytes = 0;

  constructor(options: FrameQueueOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Queues a frame, or drops it or another one by its camera's policy.
   * @throws SmolvlmError `engine-queue-full` (policy `reject`), `engine-busy` (too much waits in all queues together);
   *   no waiting frame is dropped then
   */
  offer(ticket: QueueTicket): void {
    const superseded = this.#superseded(ticket);
    if (superseded === 'queue-full') {
      this.#counts.end(ticket.camera, 'offered', 'queue-full');
      this.#options.onDrop(ticket.id, 'queue-full', fullMessage(ticket));
      return;
    }
    this.#checkTotals(ticket, superseded);
    for (const { ticket: old } of superseded) {
      this.drop(old.id, 'superseded', `a newer frame of camera "${ticket.camera}" took its place`);
    }
    this.#waitingBytes += ticket.sizeBytes;
    this.#counts.wait(ticket.camera);
    const { maxAgeMs } = ticket;
    this.#waiting.set(ticket.id, {
      ticket,
      sequence: this.#sequence++,
      cancelExpiry:
        maxAgeMs === undefined
          ? () => {}
          : this.#options.clock.after(maxAgeMs, () =>
              this.drop(ticket.id, 'expired', `waited longer than ${maxAgeMs} ms`),
            ),
    });
  }

  /**
   * Takes the next frame to describe; it runs until `finish`. A camera's frames run one after another, in order, but one of
   * higher priority does not wait for the one that runs.
   * @param inFlight frames of one priority, or higher, that may run at once; those of lower priority give way to them
   */
  next(inFlight = Number.POSITIVE_INFINITY): QueueTicket | undefined {
    let best: Waiting | undefined;
    const running = [...this.#running.values()];
    for (const candidate of this.#waiting.values()) {
      const { camera, priority } = candidate.ticket;
      const ahead = running.filter((other) => other.priority >= priority);
      const isCameraBusy = camera !== '' && ahead.some((other) => other.camera === camera);
      if (isCameraBusy || this.#inFlight(priority) >= inFlight) continue;
      if (!best || this.#before(candidate, best)) best = candidate;
    }
    if (!best) return undefined;
    const { ticket } = best;
    this.#remove(best);
    this.#running.set(ticket.id, ticket);
    this.#counts.start(ticket.camera);
    this.#served(ticket);
    return ticket;
  }

  /** Running frames that take no place in flight. */
  get aside(): number {
    return this.#aside.size;
  }

  /** A running frame gives up its place in flight for a while; its camera's next frame still waits for it. */
  setAside(id: string): void {
    if (this.#running.has(id)) this.#aside.set(id, 'busy');
  }

  /** A frame that was set aside needs a place again: see `nextReady`. @returns false when it has stopped in the meantime */
  ready(id: string): boolean {
    if (!this.#aside.has(id)) return false;
    this.#aside.set(id, 'ready');
    return true;
  }

  /** Gives a place to a frame that is ready, before others begin. @param inFlight as for `next` */
  nextReady(inFlight: number): QueueTicket | undefined {
    let best: QueueTicket | undefined;
    for (const [id, state] of this.#aside) {
      const ticket = this.#running.get(id);
      if (state !== 'ready' || !ticket || this.#inFlight(ticket.priority) >= inFlight) continue;
      if (!best || ticket.priority > best.priority) best = ticket;
    }
    if (best) this.#aside.delete(best.id);
    return best;
  }

  /** Ends a running frame. */
  finish(id: string, outcome: Outcome): void {
    const ticket = this.#running.get(id);
    if (!ticket) return;
    this.#running.delete(id);
    this.#aside.delete(id);
    this.#counts.end(ticket.camera, 'running', outcome);
  }

  /** Drops a waiting frame. @returns whether it was waiting */
  drop(id: string, reason: DropReason, message: string): boolean {
    const entry = this.#waiting.get(id);
    if (!entry) return false;
    this.#remove(entry);
    this.#counts.end(entry.ticket.camera, 'waiting', reason);
    this.#options.onDrop(id, reason, message);
    return true;
  }

  /** Drops all waiting frames without a word: their clients send them to another engine. */
  clear(): void {
    for (const entry of this.#waiting.values()) {
      this.#remove(entry);
      this.#counts.end(entry.ticket.camera, 'waiting', 'shutdown');
    }
  }

  status(): Record<string, CameraStatus> {
    return this.#counts.status();
  }

  /** Frames in flight of this priority or higher. */
  #inFlight(priority: number): number {
    let count = 0;
    for (const ticket of this.#running.values()) {
      if (ticket.priority >= priority && !this.#aside.has(ticket.id)) count++;
    }
    return count;
  }

  /**
   * @returns the waiting frames that the new one replaces, or `queue-full` when the new one is to be dropped
   * @throws SmolvlmError `engine-queue-full`
   */
  #superseded(ticket: QueueTicket): readonly Waiting[] | 'queue-full' {
    const { camera, capacity, policy, priority } = ticket;
    const rivals = this.#rivals(ticket);
    const excess = rivals.length - capacity + 1;
    if (excess <= 0) return [];
    if (policy === 'reject') {
      this.#counts.end(camera, 'offered', 'failed');
      throw new SmolvlmError('engine-queue-full', fullMessage(ticket), {
        hint: 'Send frames less often, raise the queue capacity, or let the newest frame replace the oldest.',
      });
    }
    const replaceable = rivals.filter((rival) => rival.ticket.priority <= priority);
    if (policy === 'oldest' || replaceable.length < excess) return 'queue-full';
    replaceable.sort((a, b) => a.ticket.priority - b.ticket.priority || a.sequence - b.sequence);
    return replaceable.slice(0, excess);
  }

  /** @param superseded frames that make room for this one */
  #checkTotals({ camera, sizeBytes }: QueueTicket, superseded: readonly Waiting[]): void {
    const { maxWaiting, maxWaitingBytes } = this.#options;
    const freedBytes = superseded.reduce((sum, { ticket }) => sum + ticket.sizeBytes, 0);
    const frames = this.#waiting.size - superseded.length + 1;
    const bytes = this.#waitingBytes - freedBytes + sizeBytes;
    if (frames <= maxWaiting && bytes <= maxWaitingBytes) return;
    this.#counts.end(camera, 'offered', 'failed');
    throw new SmolvlmError(
      'engine-busy',
      `the queues hold at most ${maxWaiting} frames and ${maxWaitingBytes} bytes; ${this.#waiting.size} frames and ${this.#waitingBytes} bytes are waiting`,
      { hint: 'Send frames less often, or use fewer cameras or smaller pictures.' },
    );
  }

  #before(a: Waiting, b: Waiting): boolean {
    const byPriority = b.ticket.priority - a.ticket.priority;
    if (byPriority !== 0) return byPriority < 0;
    const byCamera =
      servedAt(this.#cameraServedAt, a.ticket.camera) - servedAt(this.#cameraServedAt, b.ticket.camera);
    if (byCamera !== 0) return byCamera < 0;
    const byGroup =
      servedAt(this.#groupServedAt, groupKey(a.ticket)) - servedAt(this.#groupServedAt, groupKey(b.ticket));
    return byGroup === 0 ? a.sequence < b.sequence : byGroup < 0;
  }

  /** Records that a ticket's camera and group were served; forgets all of them when nothing waits. */
  #served(ticket: QueueTicket): void {
    for (const [served, key] of [
      [this.#cameraServedAt, ticket.camera],
      [this.#groupServedAt, groupKey(ticket)],
    ] as const) {
      if (this.#waiting.size === 0 || served.size > 1000) served.clear();
      if (this.#waiting.size > 0) served.set(key, this.#sequence++);
    }
  }

  #rivals({ camera, group }: QueueTicket): Waiting[] {
    return [...this.#waiting.values()].filter(
      ({ ticket }) => ticket.camera === camera && ticket.group === group,
    );
  }

  #remove(entry: Waiting): void {
    entry.cancelExpiry();
    this.#waiting.delete(entry.ticket.id);
    this.#waitingBytes -= entry.ticket.sizeBytes;
  }
}

/** @returns -1 for a camera or group that has not been served: it goes first */
function servedAt(served: ReadonlyMap<string, number>, key: string): number {
  return served.get(key) ?? -1;
}

function groupKey({ camera, group = '' }: QueueTicket): string {
  return JSON.stringify([camera, group]);
}

function fullMessage({ camera, capacity }: QueueTicket): string {
  return capacity === 1
    ? `a frame of camera "${camera}" is waiting already`
    : `${capacity} frames of camera "${camera}" are waiting already`;
}
