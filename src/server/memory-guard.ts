import { totalmem } from 'node:os';

const checkEveryMs = 10_000;

/** What an engine may take before it makes room: 80 % of the machine's or the container's memory. */
export function defaultMemoryLimit(): number {
  const total = totalmem();
  const constrained = process.constrainedMemory?.() ?? 0;
  return Math.floor(0.8 * (constrained > 0 ? Math.min(constrained, total) : total));
}

/**
 * Notices that the process has grown beyond a limit, e.g. by memory a native library does not give back: only a new
 * process does.
 */
export class MemoryGuard {
  readonly #limitBytes: number;
  readonly #onExceeded: (rssBytes: number) => void;
  readonly #timer: NodeJS.Timeout;
  #told = false;

  constructor(limitBytes: number, onExceeded: (rssBytes: number) => void) {
    this.#limitBytes = limitBytes;
    this.#onExceeded = onExceeded;
    this.#timer = setInterval(() => this.check(), checkEveryMs);
    this.#timer.unref();
  }

  check(): void {
    const rssBytes = process.memoryUsage.rss();
    if (this.#told || rssBytes <= this.#limitBytes) return;
    this.#told = true;
    this.#onExceeded(rssBytes);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
