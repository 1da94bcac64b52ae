/** A camera's requests: one runs, and the newest of the others waits. A newer request replaces the waiting one. */
export class CameraLine<Request> {
  readonly #run: (request: Request) => Promise<void>;
  readonly #onSuperseded: (request: Request) => void;
  #running = false;
  #waiting: Request | undefined;

  /** @param run must not reject */
  constructor(run: (request: Request) => Promise<void>, onSuperseded: (request: Request) => void) {
    this.#run = run;
    this.#onSuperseded = onSuperseded;
  }

  offer(request: Request): void {
    if (!this.#running) {
      void this.#work(request);
      return;
    }
    const superseded = this.#waiting;
    this.#waiting = request;
    if (superseded !== undefined) this.#onSuperseded(superseded);
  }

  /** Takes back the request that waits. */
  withdraw(): Request | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }

  async #work(first: Request): Promise<void> {
    this.#running = true;
    let next: Request | undefined = first;
    while (next !== undefined) {
      await this.#run(next);
      next = this.withdraw();
    }
    this.#running = false;
  }
}
