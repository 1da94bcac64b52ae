import { randomUUID } from 'node:crypto';
import type { NodeMessage } from 'node-red';
import type { ErrorBody } from '../../errors';
import { errorBody } from '../../errors';
import type { CaptionResult, DropReason } from '../../protocol/events';
import { longestTimerMs } from '../../protocol/limits';
import { type Clock, systemClock } from '../../system/clock';
import { defined } from '../../system/defined';
import {
  type CaptionHead,
  captionMessage,
  droppedMessage,
  fallbackMessage,
  pieceMessage,
} from './caption-messages';
import type { CaptionPlan } from './caption-plan';

/** When a message must be answered, and how. */
export interface TaskOptions {
  /** From the message's arrival to its answer. */
  readonly deadlineMs?: number;
  /** Sent in place of an answer that is late. */
  readonly fallback?: TaskFallback;
  /** Tokens are sent as they are generated. */
  readonly stream: boolean;
}

export interface TaskFallback {
  /** @param camera blank if not known (yet) */
  readonly text: (camera: string) => string;
  /** Also sent in place of errors, and of drops for any other reason. */
  readonly always: boolean;
  /** The caption still follows when it is ready. */
  readonly late: boolean;
}

/** Sends a message: captions and fallbacks through the first output, drops the second, pieces the third. */
export type Deliver = (output: 'caption' | 'dropped' | 'piece', message: NodeMessage) => void;

/** How a task ended, for the node's status and for Catch nodes. */
export type TaskOutcome =
  | { readonly kind: 'answered'; readonly results: readonly CaptionResult[] }
  | { readonly kind: 'dropped' | 'fallback'; readonly reason: string }
  | { readonly kind: 'failed'; readonly error: unknown };

export interface CaptionTaskOptions extends TaskOptions {
  readonly deliver: Deliver;
  /** A copy that other nodes may change. */
  readonly copy: (message: NodeMessage) => NodeMessage;
  /** The deadline passed and the fallback was sent; the caption may still be in progress. */
  readonly onFallback: (end: TaskOutcome) => void;
}

/** One message from its arrival to its last output: answered in time and once, except for a late caption. */
export class CaptionTask {
  /** Blank until it is known. */
  camera = '';
  readonly #message: NodeMessage;
  readonly #options: CaptionTaskOptions;
  readonly #captionId = randomUUID();
  readonly #abort = new AbortController();
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #cancelTimer: (() => void) | undefined;
  #partial = '';
  #closing = false;
  /** Set when the fallback was sent at the deadline. */
  #fallback: TaskOutcome | undefined;

  constructor(message: NodeMessage, options: CaptionTaskOptions, clock = systemClock) {
    this.#message = message;
    this.#options = options;
    this.#clock = clock;
    this.#startedAt = clock.now();
    const { deadlineMs, fallback } = options;
    if (deadlineMs !== undefined && fallback) {
      this.#cancelTimer = clock.after(Math.min(deadlineMs, longestTimerMs), () =>
        this.#passDeadline(deadlineMs, fallback),
      );
    }
  }

  /** Aborted when the caption is no longer needed. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get elapsedMs(): number {
    return this.#clock.now() - this.#startedAt;
  }

  /** Time left for the engine; undefined if there is no deadline or a late caption is accepted. */
  get remainingMs(): number | undefined {
    const { deadlineMs, fallback } = this.#options;
    if (deadlineMs === undefined || fallback?.late) return undefined;
    return Math.max(1, deadlineMs - this.elapsedMs);
  }

  get stream(): boolean {
    return this.#options.stream;
  }

  /** The node closes: the request is cancelled and no fallback is sent. */
  close(): void {
    this.#closing = true;
    this.#cancelTimer?.();
    this.#abort.abort();
  }

  piece(text: string): void {
    if (this.signal.aborted) return;
    this.#partial += text;
    this.#deliver('piece', pieceMessage(this.#message, this.#head(), text, this.#partial));
  }

  answered(plan: CaptionPlan, results: readonly CaptionResult[]): TaskOutcome {
    return this.#end(undefined, () => {
      const caption = captionMessage(this.#message, this.#head(), plan, results);
      if (this.#partial !== '') {
        this.#deliver('piece', pieceMessage(caption, this.#head(), '', this.#partial, true));
      }
      this.#deliver('caption', caption);
      return { kind: 'answered', results };
    });
  }

  /** @param reason a sentence */
  dropped(dropped: DropReason | 'anchor-set', reason: string, prompt = ''): TaskOutcome {
    // A frame that was kept for comparison needs no fallback.
    const why = dropped === 'anchor-set' ? undefined : { fallbackReason: dropped, reason };
    return this.#end(why, () => {
      this.#deliver('dropped', droppedMessage(this.#message, this.#head(), dropped, reason, prompt));
      return { kind: 'dropped', reason: dropped };
    });
  }

  failed(thrown: unknown): TaskOutcome {
    const error = errorBody(thrown);
    const why = { fallbackReason: error.code, reason: error.message, error };
    return this.#end(why, () => ({ kind: 'failed', error: thrown }));
  }

  /** @param why set if a fallback may replace the outcome */
  #end(why: FallbackReason | undefined, otherwise: () => TaskOutcome): TaskOutcome {
    this.#cancelTimer?.();
    const { fallback } = this.#options;
    if (this.#fallback && !fallback?.late) return this.#fallback;
    const replaced = fallback?.always || why?.fallbackReason === 'deadline';
    if (why && fallback && replaced && !this.#fallback && !this.#closing) {
      return this.#replace(this.#message, fallback, why);
    }
    return otherwise();
  }

  #passDeadline(deadlineMs: number, fallback: TaskFallback): void {
    const reason = `no caption within ${deadlineMs / 1000} s`;
    const message = fallback.late ? this.#options.copy(this.#message) : this.#message;
    this.#fallback = this.#replace(message, fallback, { fallbackReason: 'deadline', reason });
    this.#options.onFallback(this.#fallback);
    if (!fallback.late) this.#abort.abort();
  }

  #replace(message: NodeMessage, fallback: TaskFallback, why: FallbackReason): TaskOutcome {
    this.#deliver('caption', fallbackMessage(message, this.#head(), fallback.text(this.camera), why));
    return { kind: 'fallback', reason: why.fallbackReason };
  }

  #deliver(output: 'caption' | 'dropped' | 'piece', message: NodeMessage): void {
    this.#options.deliver(output, message);
  }

  #head(): CaptionHead {
    return {
      captionId: this.#captionId,
      ...defined({ camera: this.camera || undefined, late: this.#fallback && (true as const) }),
    };
  }
}

interface FallbackReason {
  readonly fallbackReason: string;
  readonly reason: string;
  readonly error?: ErrorBody;
}
