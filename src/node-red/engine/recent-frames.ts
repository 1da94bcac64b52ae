import type { DescribeInput } from '../../client/engine-api';
import type { ErrorBody } from '../../errors';
import type { DescribeFinal } from '../../protocol/events';
import { featuresGone } from '../../protocol/features';
import { defined } from '../../system/defined';

/** A frame that was described or that failed. */
export interface RecentFrame {
  /** Increases, also across deployments; a reader asks for frames newer than the last one it has. */
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

/** The last frames of an engine node's users, as thumbnails; in memory only, until the node closes. */
export class RecentFrames {
  readonly capacity: number;
  readonly #frames: RecentFrame[] = [];
  /** Thumbnails of encoded frames by the hash of their pixels, for questions that are sent without a picture. */
  readonly #thumbnails = new Map<string, string>();
  #sequence = Date.now();

  /** @param capacity number of frames to keep; 0 keeps none */
  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Keeps the thumbnail of an encoded frame, to show it beside the answers about it. */
  addThumbnail(frameHash: string, thumbnail: string): void {
    this.#thumbnails.delete(frameHash);
    this.#thumbnails.set(frameHash, thumbnail);
    const [oldest = ''] = this.#thumbnails.keys();
    if (this.#thumbnails.size > this.capacity) this.#thumbnails.delete(oldest);
  }

  /**
   * Dropped frames are counted by the engine and not kept. Requests for expired features are not kept either: they
   * are sent again with the picture.
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

  /** Frames with a lower number are no longer kept. */
  get oldestSequence(): number {
    return this.#frames[0]?.sequence ?? this.#sequence + 1;
  }

  /** Oldest first. @param sequence number of the last frame that the reader has */
  since(sequence: number): readonly RecentFrame[] {
    return this.#frames.filter((frame) => frame.sequence > sequence);
  }

  #answered({ result }: DescribeFinal & { type: 'result' }): Partial<RecentFrame> {
    const { text, prompt, timingsMs, queuedMs, tiles, backend, fallback, frameHash } = result;
    const thumbnail = result.thumbnail ?? this.#thumbnails.get(frameHash);
    return {
      text,
      prompt,
      totalMs: timingsMs.total,
      queuedMs,
      tiles,
      backend,
      ...defined({ fallback, thumbnail }),
    };
  }
}
