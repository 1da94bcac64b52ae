import type { DescribeInput } from '../../client/engine-api';
import type { ErrorBody } from '../../errors';
import type { DescribeFinal } from '../../protocol/events';
import { featuresGone } from '../../protocol/features';

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
  /** By the hash of their pixels: small pictures of frames that were seen, for questions asked without a picture. */
  readonly #seen = new Map<string, string>();
  #sequence = Date.now();

  /** @param capacity frames to keep; 0 keeps none */
  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Keeps a small picture of a frame, to show it beside the answers about it. */
  saw(frameHash: string, thumbnail: string): void {
    this.#seen.delete(frameHash);
    this.#seen.set(frameHash, thumbnail);
    const [oldest = ''] = this.#seen.keys();
    if (this.#seen.size > this.capacity) this.#seen.delete(oldest);
  }

  /**
   * Frames that were dropped are counted by the engine, and not kept; nor are questions about features that are
   * gone, since they are asked again with the picture.
   */
  add({ camera = '', prompt = '' }: DescribeInput, final: DescribeFinal): void {
    if (this.capacity === 0 || final.type === 'dropped') return;
    if (final.type === 'error' && final.error.code === featuresGone) return;
    this.#sequence += 1;
    const ended = { sequence: this.#sequence, at: new Date().toISOString(), camera, prompt };
    this.#frames.push(
      final.type === 'error' ? { ...ended, error: final.error } : { ...ended, ...this.#answered(final) },
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

  #answered({ result }: DescribeFinal & { type: 'result' }): Partial<RecentFrame> {
    const { text, prompt, timingsMs, queuedMs, tiles, backend, fallback, frameHash } = result;
    const thumbnail = result.thumbnail ?? this.#seen.get(frameHash);
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
}
