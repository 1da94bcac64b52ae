import { randomUUID } from 'node:crypto';
import type { NodeMessage } from 'node-red';
import type { ErrorBody } from '../../errors';
import { errorBody } from '../../errors';
import type { CaptionResult, DropReason } from '../../protocol/events';
import { longestTimerMs } from '../../protocol/limits';
import {
  type CaptionHead,
  captionMessage,
  droppedMessage,
  fallbackMessage,
  pieceMessage,
} from './caption-messages';
import type { CaptionPlan } from './caption-plan';

/** What a message is promised. */
export interface TaskOptions {
  /** From the message's arrival to its answer. */
  readonly deadlineMs?: number;
  /** Where there is one, an answer that is not there in time is replaced. */
  readonly fallback?: TaskFallback;
  /** Words are sent as they come. */
  readonly stream: boolean;
}

export interface TaskFallback {
  /** @param camera blank: not known (yet) */
  readonly text: (camera: string) => string;
  /** Also in place of errors, and of drops for any other reason. */
  readonly always: boolean;
  /** The caption is waited for, and follows. */
  readonly late: boolean;
}

/** Sends a message: captions and fallbacks by the first output, drops by the second, pieces by the third. */
export type Deliver = (output: 'caption' | 'dropped' | 'piece', message: NodeMessage) => void;

/** What became of a message: for the node's status, and for Catch nodes. */
export type TaskOutcome =
  | { readonly kind: 'answered'; readonly results: readonly CaptionResult[] }
  | { readonly kind: 'dropped' | 'fallback'; readonly reason: string }
  | { readonly kind: 'failed'; readonly error: unknown };

export interface CaptionTaskOptions {
  readonly terms: TaskOptions;
  readonly deliver: Deliver;
  /** A copy that other nodes may change. */
  readonly copy: (message: NodeMessage) => NodeMessage;
  /** The deadline passed and the fallback is out; the caption may still be worked on. */
  readonly onFallback: (end: TaskOutcome) => void;
}

/** A message from its arrival to its last word: answered in time, and once, but for a late caption. */
export class CaptionTask {
  /** Blank: not known (yet). */
  camera = '';
  readonly #message: NodeMessage;
  readonly #options: CaptionTaskOptions;
  readonly #captionId = randomUUID();
  readonly #abort = new AbortController();
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout | undefined;
  #partial = '';
  #closing = false;
  /** Sent at the deadline. */
  #fallback: TaskOutcome | undefined;

  constructor(message: NodeMessage, options: CaptionTaskOptions) {
    this.#message = message;
    this.#options = options;
    const { deadlineMs, fallback } = options.terms;
    if (deadlineMs !== undefined && fallback) {
      this.#timer = setTimeout(
        () => this.#passDeadline(deadlineMs, fallback),
        Math.min(deadlineMs, longestTimerMs),
      );
    }
  }

  /** Aborted when nobody waits for the caption any more. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get elapsedMs(): number {
    return performance.now() - this.#startedAt;
  }

  /** Time left to the engine; undefined when a late caption is welcome too. */
  get remainingMs(): number | undefined {
    const { deadlineMs, fallback } = this.#options.terms;
    if (deadlineMs === undefined || fallback?.late) return undefined;
    return Math.max(1, deadlineMs - this.elapsedMs);
  }

  get stream(): boolean {
    return this.#options.terms.stream;
  }

  /** The node closes: what is under way is cancelled, and nothing stands in for it. */
  close(): void {
    this.#closing = true;
    clearTimeout(this.#timer);
    this.#abort.abort();
  }

  piece(text: string): void {
    if (this.signal.aborted) return;
    this.#partial += text;
    this.#deliver('piece', pieceMessage(this.#message, this.#head(), text, this.#partial));
  }

  answered(call: CaptionPlan, results: readonly CaptionResult[]): TaskOutcome {
    return this.#end(undefined, () => {
      const caption = captionMessage(this.#message, this.#head(), call, results);
      if (this.#partial !== '') {
        this.#deliver('piece', pieceMessage(caption, this.#head(), '', this.#partial, true));
      }
      this.#deliver('caption', caption);
      return { kind: 'answered', results };
    });
  }

  /** @param reason a sentence */
  dropped(dropped: DropReason | 'anchor-set', reason: string, prompt = ''): TaskOutcome {
    // A frame that was kept was not meant to be described.
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

  /** @param why a fallback may take its place */
  #end(why: FallbackReason | undefined, otherwise: () => TaskOutcome): TaskOutcome {
    clearTimeout(this.#timer);
    const { fallback } = this.#options.terms;
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
      ...(this.camera !== '' && { camera: this.camera }),
      ...(this.#fallback && { late: true }),
    };
  }
}

interface FallbackReason {
  readonly fallbackReason: string;
  readonly reason: string;
  readonly error?: ErrorBody;
}
