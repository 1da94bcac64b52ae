import type { DecoderContext, DecoderRunner } from '../backends/decoder-runner';

/** A context and the names of the rows it holds. */
export interface PooledContext {
  readonly context: DecoderContext;
  readonly keys: string[];
  lastUsed: number;
}

/**
 * Contexts kept after an answer, so that the next question about the same picture reuses the picture's part of
 * the KV cache. The least recently used one is dropped when memory or count exceeds its limit.
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
   * The context that shares the longest prefix with the prompt, cut to that prefix. When that is less than half of the
   * prompt, a new one with a copy of the prefix: every prompt begins with the same tokens of the chat template.
   * At least the prompt's last row remains to be appended, since its logits are needed.
   * @param keys names of the prompt's rows
   */
  take(keys: readonly string[]): PooledContext {
    let best: PooledContext | undefined;
    let shared = 0;
    for (const candidate of this.#contexts) {
      const common = Math.min(commonPrefix(candidate.keys, keys), keys.length - 1);
      if (common > shared) [best, shared] = [candidate, common];
    }
    if (best !== undefined && shared * 2 >= keys.length) {
      this.#contexts = this.#contexts.filter((other) => other !== best);
      truncate(best, shared);
      return best;
    }
    const context = best?.context.fork(shared) ?? this.#runner.createContext();
    return { context, keys: best?.keys.slice(0, shared) ?? [], lastUsed: 0 };
  }

  /** Keeps a context for later; its keys must name the rows it holds. */
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

/** Drops everything after the first `length` rows. */
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
