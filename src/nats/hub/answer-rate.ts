const minuteMs = 60_000;

/** Counts the answers of the last minute. */
export class AnswerRate {
  readonly #answeredAt: number[] = [];

  add(): void {
    this.#answeredAt.push(performance.now());
    this.lastMinute();
  }

  lastMinute(): number {
    const since = performance.now() - minuteMs;
    const fresh = this.#answeredAt.findIndex((at) => at >= since);
    this.#answeredAt.splice(0, fresh < 0 ? this.#answeredAt.length : fresh);
    return this.#answeredAt.length;
  }
}
