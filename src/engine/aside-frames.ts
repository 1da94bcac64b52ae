import type { FrameQueue } from './frame-queue';

/** Frames whose large pictures are being prepared while others run; the next one keeps its place instead. */
const mostAside = 16;

/** Frames that give up their place in flight during work that needs no device, so that another frame may run. */
export class AsideFrames {
  readonly #queue: FrameQueue;
  readonly #pump: () => void;
  /** For each frame that was set aside: continues it. */
  readonly #places = new Map<string, () => void>();

  /** @param pump starts what the queue allows */
  constructor(queue: FrameQueue, pump: () => void) {
    this.#queue = queue;
    this.#pump = pump;
  }

  /** Runs work of a frame without its place, and waits for a place afterwards. */
  async run<T>(id: string, work: () => Promise<T>): Promise<T> {
    if (this.#queue.aside >= mostAside) return work();
    this.#queue.setAside(id);
    this.#pump();
    try {
      return await work();
    } finally {
      await new Promise<void>((resolve) => {
        this.#places.set(id, resolve);
        if (this.#queue.ready(id)) this.#pump();
        else resolve();
      });
      this.#places.delete(id);
    }
  }

  /** Continues a frame that waits for its place. */
  resume(id: string): void {
    this.#places.get(id)?.();
  }
}
