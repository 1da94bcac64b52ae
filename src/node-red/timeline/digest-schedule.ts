import { type DigestKind, digestDays } from '../../timeline/digest';
import type { DigestChoice } from './timeline-fields';

/** A clock that may be set: the schedule looks at it at least this often. */
const lookAgainMs = 600_000;
const monday = 1;

export interface ScheduleClock {
  /** Milliseconds since 1970. */
  now(): number;
  after(ms: number, callback: () => void): () => void;
}

const wallClock: ScheduleClock = {
  now: Date.now,
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** @param fromMs when the digest before it was due */
export type DigestDue = (kind: DigestKind, atMs: number, fromMs: number) => void;

/** Calls at a time of each day, of the machine's time zone; weekly digests are due on Mondays. */
export class DigestSchedule {
  readonly #minutes: number;
  readonly #kinds: (day: number) => readonly DigestKind[];
  readonly #due: DigestDue;
  readonly #clock: ScheduleClock;
  #next: number;
  #cancel: (() => void) | undefined;

  constructor(choice: DigestChoice, minutes: number, due: DigestDue, clock: ScheduleClock = wallClock) {
    this.#minutes = minutes;
    this.#due = due;
    this.#clock = clock;
    this.#kinds = (day) => [
      ...(choice === 'daily' || choice === 'both' ? (['daily'] as const) : []),
      ...((choice === 'weekly' || choice === 'both') && day === monday ? (['weekly'] as const) : []),
    ];
    this.#next = this.#after(clock.now());
    if (choice !== 'none') this.#wait();
  }

  close(): void {
    this.#cancel?.();
  }

  #wait(): void {
    const left = this.#next - this.#clock.now();
    this.#cancel = this.#clock.after(Math.min(lookAgainMs, Math.max(0, left)), () => this.#look());
  }

  #look(): void {
    const now = this.#clock.now();
    const expected = this.#after(now);
    if (now >= this.#next) {
      const at = this.#next;
      this.#next = expected;
      for (const kind of this.#kinds(new Date(at).getDay()))
        this.#due(kind, at, this.#onDay(at, -digestDays[kind]));
    } else if (expected < this.#next) {
      // The clock was set back.
      this.#next = expected;
    }
    this.#wait();
  }

  /** The first due time after a moment. */
  #after(ms: number): number {
    const today = this.#onDay(ms, 0);
    return today > ms ? today : this.#onDay(ms, 1);
  }

  /** The due time some days later. Where clocks go forward at that time it is an hour later on that day alone. */
  #onDay(ms: number, later: number): number {
    const time = new Date(ms);
    time.setDate(time.getDate() + later);
    time.setHours(Math.floor(this.#minutes / 60), this.#minutes % 60, 0, 0);
    return time.getTime();
  }
}
