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
  /** Within the camera's; empty as a rule. */
  readonly lane?: string;
  readonly policy: QueuePolicy;
  /** Most frames of this camera and lane that may wait. */
  readonly capacity: number;
  /** Higher runs first. */
  readonly priority: number;
  /** Waiting longer than this, the frame is dropped as `expired`. */
  readonly maxAgeMs?: number;
  /** Of its pictures, held while it waits. */
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
 * Waiting frames, a bounded queue per camera and lane. Served by priority, then the camera that was served
 * longest ago, then its lane of which that is true, then the order of arrival.
 */
export class FrameQueue {
  readonly #options: FrameQueueOptions;
  readonly #tally = new CameraCounts();
  readonly #waiting = new Map<string, Waiting>();
  readonly #running = new Map<string, QueueTicket>();
  /** Turn at which each camera was last served. */
  readonly #lastTurn = new Map<string, number>();
  /** The same of each camera's lanes. */
  readonly #lastLaneTurn = new Map<string, number>();
  #sequence = 0;
  #waitingBytes = 0;

  constructor(options: FrameQueueOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get running(): number {
    return this.#running.size;
  }

  /**
   * Lets a frame wait, or drops it or another by its camera's policy.
   * @throws SmolvlmError `engine-queue-full` (policy `reject`), `engine-busy` (all cameras together wait for too much)
   */
  offer(ticket: QueueTicket): void {
    const rivals = this.#rivals(ticket);
    if (rivals.length >= ticket.capacity && !this.#makeRoom(ticket, rivals)) return;
    this.#checkTotals(ticket);
    this.#waitingBytes += ticket.sizeBytes;
    this.#tally.wait(ticket.camera);
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

  /** Takes the next frame to describe; it runs until `finish`. A camera's frames run one after the other, in order. */
  next(): QueueTicket | undefined {
    let best: Waiting | undefined;
    const busy = new Set([...this.#running.values()].map(({ camera }) => camera));
    busy.delete('');
    for (const candidate of this.#waiting.values()) {
      if (busy.has(candidate.ticket.camera)) continue;
      if (!best || this.#before(candidate, best)) best = candidate;
    }
    if (!best) return undefined;
    const { ticket } = best;
    this.#remove(best);
    this.#running.set(ticket.id, ticket);
    this.#tally.start(ticket.camera);
    this.#served(ticket);
    return ticket;
  }

  /** Ends a running frame. */
  finish(id: string, outcome: Outcome): void {
    const ticket = this.#running.get(id);
    if (!ticket) return;
    this.#running.delete(id);
    this.#tally.end(ticket.camera, 'running', outcome);
  }

  /** Drops a waiting frame. @returns whether it was waiting */
  drop(id: string, reason: DropReason, message: string): boolean {
    const entry = this.#waiting.get(id);
    if (!entry) return false;
    this.#remove(entry);
    this.#tally.end(entry.ticket.camera, 'waiting', reason);
    this.#options.onDrop(id, reason, message);
    return true;
  }

  status(): Record<string, CameraStatus> {
    return this.#tally.status();
  }

  /** @returns whether the newcomer may wait now */
  #makeRoom(ticket: QueueTicket, rivals: readonly Waiting[]): boolean {
    const { camera, capacity, policy } = ticket;
    const full = `${capacity === 1 ? 'a frame' : `${capacity} frames`} of camera "${camera}" waited already`;
    if (policy === 'reject') {
      this.#tally.end(camera, 'offered', 'failed');
      throw new SmolvlmError('engine-queue-full', full, {
        hint: 'Send frames less often, raise the queue capacity, or let the newest frame replace the oldest.',
      });
    }
    const lowest = Math.min(...rivals.map((rival) => rival.ticket.priority));
    if (policy === 'oldest' || ticket.priority < lowest) {
      this.#tally.end(camera, 'offered', 'queue-full');
      this.#options.onDrop(ticket.id, 'queue-full', full);
      return false;
    }
    const excess = rivals.length - capacity + 1;
    const victims = rivals.filter((rival) => rival.ticket.priority <= ticket.priority);
    victims.sort((a, b) => a.ticket.priority - b.ticket.priority || a.sequence - b.sequence);
    for (const victim of victims.slice(0, excess)) {
      this.drop(victim.ticket.id, 'superseded', `a newer frame of camera "${camera}" took its place`);
    }
    return true;
  }

  #checkTotals({ camera, sizeBytes }: QueueTicket): void {
    const { maxWaiting, maxWaitingBytes } = this.#options;
    if (this.#waiting.size < maxWaiting && this.#waitingBytes + sizeBytes <= maxWaitingBytes) return;
    this.#tally.end(camera, 'offered', 'failed');
    throw new SmolvlmError(
      'engine-busy',
      `the engine lets ${maxWaiting} frames and ${maxWaitingBytes} bytes wait; ${this.#waiting.size} frames and ${this.#waitingBytes} bytes wait already`,
      { hint: 'Send frames less often, or use fewer cameras or smaller pictures.' },
    );
  }

  #before(a: Waiting, b: Waiting): boolean {
    const byPriority = b.ticket.priority - a.ticket.priority;
    if (byPriority !== 0) return byPriority < 0;
    const cameras = turnOf(this.#lastTurn, a.ticket.camera) - turnOf(this.#lastTurn, b.ticket.camera);
    if (cameras !== 0) return cameras < 0;
    const lanes =
      turnOf(this.#lastLaneTurn, laneKey(a.ticket)) - turnOf(this.#lastLaneTurn, laneKey(b.ticket));
    return lanes === 0 ? a.sequence < b.sequence : lanes < 0;
  }

  /** A camera with nothing waiting keeps its turn only as long as others are in line. */
  #served(ticket: QueueTicket): void {
    for (const [turns, key] of [
      [this.#lastTurn, ticket.camera],
      [this.#lastLaneTurn, laneKey(ticket)],
    ] as const) {
      if (this.#waiting.size === 0 || turns.size > 1000) turns.clear();
      if (this.#waiting.size > 0) turns.set(key, this.#sequence++);
    }
  }

  #rivals({ camera, lane }: QueueTicket): Waiting[] {
    return [...this.#waiting.values()].filter(
      ({ ticket }) => ticket.camera === camera && ticket.lane === lane,
    );
  }

  #remove(entry: Waiting): void {
    entry.cancelExpiry();
    this.#waiting.delete(entry.ticket.id);
    this.#waitingBytes -= entry.ticket.sizeBytes;
  }
}

function turnOf(turns: ReadonlyMap<string, number>, key: string): number {
  return turns.get(key) ?? -1;
}

function laneKey({ camera, lane = '' }: QueueTicket): string {
  return JSON.stringify([camera, lane]);
}
