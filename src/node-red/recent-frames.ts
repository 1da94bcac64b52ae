import type { DescribeInput } from '../client/engine';
import type { ErrorBody } from '../errors';
import type { FinalEvent } from '../protocol/events';

/** A frame that was described, or that failed. */
export interface RecentFrame {
  /** Counts up, also over deployments; a reader asks for what is newer than the last one it knows. */
  readonly sequence: number;
  /** When it ended; ISO 8601. */
  readonly at: string;
  readonly camera: string;
  readonly prompt: string;
  readonly text?: string;
  readonly totalMs?: number;
  readonly queuedMs?: number;
  readonly tiles?: number;
  readonly backend?: string;
  readonly fallback?: ErrorBody;
  /** JPEG in base64. */
  readonly thumbnail?: string;
  readonly error?: ErrorBody;
}

/** The last frames of an engine's nodes, small; kept in memory only, and forgotten with the node. */
export class RecentFrames {
  readonly capacity: number;
  readonly #frames: RecentFrame[] = [];
  #sequence = Date.now();

  /** @param capacity frames to keep; 0 keeps none */
  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Frames that were dropped are counted by the engine, and not kept. */
  add({ camera = '', prompt = '' }: DescribeInput, final: FinalEvent): void {
    if (this.capacity === 0 || final.type === 'dropped') return;
    this.#sequence += 1;
    const ended = { sequence: this.#sequence, at: new Date().toISOString(), camera, prompt };
    this.#frames.push(
      final.type === 'error' ? { ...ended, error: final.error } : { ...ended, ...seen(final) },
    );
    if (this.#frames.length > this.capacity) this.#frames.shift();
  }

  /** Frames below this one are forgotten. */
  get oldestSequence(): number {
    return this.#frames[0]?.sequence ?? this.#sequence + 1;
  }

  /** Oldest first. @param sequence of the last frame that is known already */
  since(sequence: number): readonly RecentFrame[] {
    return this.#frames.filter((frame) => frame.sequence > sequence);
  }
}

function seen({ result }: FinalEvent & { type: 'result' }): Partial<RecentFrame> {
  const { text, prompt, timingsMs, queuedMs, tiles, backend, fallback, thumbnail } = result;
  return {
    text,
    prompt,
    totalMs: timingsMs.total,
    queuedMs,
    tiles,
    backend,
    ...(fallback && { fallback }),
    ...(thumbnail && { thumbnail }),
  };
}
