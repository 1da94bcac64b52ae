import type { ErrorBody } from '../errors';
import type { FailureRecord } from '../protocol/engine-status';

const keptFailures = 20;

/** The last requests that failed. */
export class FailureLog {
  readonly #failures: FailureRecord[] = [];

  add(camera: string, error: ErrorBody): void {
    this.#failures.push({ at: new Date().toISOString(), camera, error });
    if (this.#failures.length > keptFailures) this.#failures.shift();
  }

  /** Oldest first. */
  last(): readonly FailureRecord[] {
    return [...this.#failures];
  }
}
