/**
 * What was opened on the way to something larger, closed in reverse order: when a later step fails, or together with the
 * whole.
 */
export class ResourceStack {
  readonly #closers: (() => unknown)[] = [];

  /** @param close called once, by `close` */
  own(close: () => unknown): void {
    this.#closers.push(close);
  }

  /** Closes everything, the newest first. @throws what the first that fails to close throws, when all have been tried */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (const close of this.#closers.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  /** The result of work that opens resources; they are closed when it fails. @throws what the work throws */
  static async open<T>(work: (resources: ResourceStack) => Promise<T>): Promise<T> {
    const resources = new ResourceStack();
    try {
      return await work(resources);
    } catch (error) {
      // The first failure is the cause of those that may follow it.
      await resources.close().catch(() => undefined);
      throw error;
    }
  }
}
