import type { EngineEvent } from '../protocol/events';

/** Leaves out the tokens that a second run of a request sends again: it writes the answer from its beginning. */
export class RepeatedTokens {
  /** Characters passed on, and those received from the present run. */
  #passedOn = 0;
  #received = 0;

  /** The next events are of another run. */
  restart(): void {
    this.#received = 0;
  }

  /** @returns the event without the text that has been passed on before; undefined if nothing is left of it */
  next(event: EngineEvent): EngineEvent | undefined {
    if (event.type !== 'token') return event;
    const known = Math.max(0, this.#passedOn - this.#received);
    this.#received += event.text.length;
    const text = event.text.slice(known);
    if (text === '') return undefined;
    this.#passedOn += text.length;
    return { ...event, text };
  }
}
