/** Runs what enters one after the other, in the order of entry. */
export class Lane {
  #last: Promise<unknown> = Promise.resolve();

  enter<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#last.then(run);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
