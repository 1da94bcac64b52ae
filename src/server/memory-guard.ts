import { totalmem } from 'node:os';

const checkEveryMs = 10_000;

/** 80 % of the machine's or the container's memory. */
export function defaultMemoryLimit(): number {
  const total = totalmem();
  const constrained = process.constrainedMemory?.() ?? 0;
  return Math.floor(0.8 * (constrained > 0 ? Math.min(constrained, total) : total));
}

/**
 * Calls back once when the process uses more memory than a limit, e.g. because a native library does not free it: only
 * the end of the process does.
 */
export class MemoryGuard {
  readonly #limitBytes: number;
  readonly #onExceeded: (rssBytes: number) => void;
  readonly #timer: NodeJS.Timeout;
  #reported = false;

  constructor(limitBytes: number, onExceeded: (rssBytes: number) => void) {
    this.#limitBytes = limitBytes;
    this.#onExceeded = onExceeded;
    this.#timer = setInterval(() => this.check(), checkEveryMs);
    this.#timer.unref();
  }

  check(): void {
    const rssBytes = process.memoryUsage.rss();
    if (this.#reported || rssBytes <= this.#limitBytes) return;
    this.#reported = true;
    this.#onExceeded(rssBytes);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
