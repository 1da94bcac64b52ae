/**
 * The decoder with the contexts (KV caches) it holds. Rows are prompt rows: text-token embeddings
 * with image rows in place of the `<image>` tokens, [tokens, width] float32, row-major.
 */
export interface DecoderRunner {
  readonly name: string;
  readonly vocabularySize: number;
  readonly width: number;
  /** Longest context in tokens. */
  readonly contextLimit: number;
  createContext(): DecoderContext;
  close(): Promise<void>;
}

/** One sequence in progress. */
export interface DecoderContext {
  /** Tokens held in the KV cache. */
  readonly length: number;
  /** Memory of the KV cache. */
  readonly sizeBytes: number;
  /** Drops everything after the first `length` tokens. */
  truncate(length: number): void;
  /** Makes room for so many more tokens at once; without it the cache grows with each append, and is copied each time. */
  reserve(tokens: number): void;
  /**
   * Appends rows and returns logits.
   * @param rows [n, width] float32
   * @param logits `last` (default): [vocabulary] of the last row; `all`: [n, vocabulary]; `none`: empty
   */
  append(rows: Float32Array, logits?: 'last' | 'all' | 'none'): Promise<Float32Array>;
  /** A new context with a copy of the first `length` tokens. */
  fork(length: number): DecoderContext;
  close(): void;
}
