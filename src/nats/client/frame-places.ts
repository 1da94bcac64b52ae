import type { NatsRequest } from './nats-request';

/** Where a request waits, reserved in the order in which requests come. */
export interface Reservation {
  readonly subject: string;
  /** The request is sent now: older ones for the same place, in which they would replace it, are not stored any more. */
  enter(): void;
  /** The request does not need the place. */
  release(): void;
}

/** A camera's queue, whose frames take its places in turn. */
export interface QueuePlaces {
  readonly capacity: number;
  place(slot: number): string;
}

/** The places of waiting frames of which the newest stay. */
export class FramePlaces {
  readonly #nextSlot = new Map<string, number>();
  /** Open requests for each place, oldest first. */
  readonly #requests = new Map<string, Set<NatsRequest>>();

  reserve(request: NatsRequest, { capacity, place }: QueuePlaces): Reservation {
    const queue = place(0);
    const slot = (this.#nextSlot.get(queue) ?? 0) % capacity;
    if (capacity > 1) this.#nextSlot.set(queue, slot + 1);
    const subject = place(slot);
    const requests = this.#requests.get(subject) ?? new Set();
    this.#requests.set(subject, requests.add(request));
    void request.final.then(() => this.#remove(subject, request));
    return {
      subject,
      enter: () => {
        if (!requests.has(request)) return;
        for (const older of requests) {
          if (older === request) return;
          older.isOvertaken = true;
        }
      },
      release: () => {
        this.#remove(subject, request);
        if (this.#nextSlot.get(queue) === slot + 1) this.#nextSlot.set(queue, slot);
      },
    };
  }

  #remove(subject: string, request: NatsRequest): void {
    const requests = this.#requests.get(subject);
    requests?.delete(request);
    if (requests?.size === 0) this.#requests.delete(subject);
  }
}
