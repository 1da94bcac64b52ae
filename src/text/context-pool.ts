import type { DecoderContext, DecoderRunner } from '../backends/decoder-runner';

/** A context and the names of the rows it holds. */
export interface PooledContext {
  readonly context: DecoderContext;
  readonly keys: string[];
  lastUsed: number;
}

/**
 * Contexts kept after an answer, so that the next question about the same picture finds the picture's part of
 * the KV cache done. The least recently used one goes when memory or count is passed.
 */
export class ContextPool {
  readonly #runner: DecoderRunner;
  readonly #limitBytes: number;
  readonly #limitCount: number;
  #contexts: PooledContext[] = [];
  #clock = 0;

  constructor(runner: DecoderRunner, limitBytes = 256 * 2 ** 20, limitCount = 8) {
    this.#runner = runner;
    this.#limitBytes = limitBytes;
    this.#limitCount = limitCount;
  }

  get sizeBytes(): number {
    return this.#contexts.reduce((sum, { context }) => sum + context.sizeBytes, 0);
  }

  /**
   * A context that holds as much of the prompt as any, cut to what both have in common; a new one when that is
   * less than half of the prompt. At least the prompt's last row is left to append, since its logits are wanted.
   * @param keys names of the prompt's rows
   */
  take(keys: readonly string[]): PooledContext {
    let best: PooledContext | undefined;
    let shared = 0;
    for (const candidate of this.#contexts) {
      const common = Math.min(commonPrefix(candidate.keys, keys), keys.length - 1);
      if (common > shared) [best, shared] = [candidate, common];
    }
    const pooled: PooledContext =
      best !== undefined && shared * 2 >= keys.length
        ? best
        : { context: this.#runner.createContext(), keys: [], lastUsed: 0 };
    this.#contexts = this.#contexts.filter((other) => other !== pooled);
    truncate(pooled, pooled.keys.length === 0 ? 0 : shared);
    return pooled;
  }

  /** Keeps a context for later; what it holds must be named by its keys. */
  give(pooled: PooledContext): void {
    this.#clock += 1;
    pooled.lastUsed = this.#clock;
    this.#contexts.push(pooled);
    this.#contexts.sort((a, b) => b.lastUsed - a.lastUsed);
    while (this.#contexts.length > this.#limitCount || this.sizeBytes > this.#limitBytes) {
      const oldest = this.#contexts.pop();
      if (!oldest) return;
      oldest.context.close();
    }
  }

  close(): void {
    for (const { context } of this.#contexts) context.close();
    this.#contexts = [];
  }
}

/** Forgets all after the first `length` rows. */
export function truncate({ context, keys }: PooledContext, length: number): void {
  context.truncate(length);
  keys.length = Math.min(keys.length, length);
}

function commonPrefix(a: readonly string[], b: readonly string[]): number {
  const limit = Math.min(a.length, b.length);
  let length = 0;
  while (length < limit && a[length] === b[length]) length++;
  return length;
}
