import type { NodeMessage } from 'node-red';
import { SmolvlmError } from '../errors';
import { NodeFailure } from './node-failure';

/** As Node-RED gives it with a message: one entry for each output. */
export type Send = (messages: (NodeMessage | null)[]) => void;

export type Done = (error?: Error) => void;

/** A message that a node works on. */
export interface OpenMessage {
  /** Does nothing once the message has ended. */
  readonly send: Send;
  /** Ends the message; later calls do nothing. */
  readonly done: Done;
  /** The message has its answer, and what may still follow is extra: closing the node is not an error for it. */
  readonly answered: () => void;
}

/**
 * The messages that a node has not ended yet. When the node closes, those without an answer end with `node-closed`, so
 * that a Catch node can answer an HTTP request that waits.
 */
export class OpenMessages {
  readonly #open = new Set<() => void>();
  #closed = false;

  get closed(): boolean {
    return this.#closed;
  }

  begin(send: Send, done: Done): OpenMessage {
    let isAnswered = false;
    const end = (error?: Error): void => {
      if (this.#open.delete(close)) done(error);
    };
    const close = (): void => end(isAnswered ? undefined : new NodeFailure(nodeClosed()));
    this.#open.add(close);
    if (this.#closed) close();
    return {
      send: (messages) => {
        if (this.#open.has(close)) send(messages);
      },
      done: end,
      answered: () => {
        isAnswered = true;
      },
    };
  }

  close(): void {
    this.#closed = true;
    for (const close of [...this.#open]) close();
  }
}

function nodeClosed(): SmolvlmError {
  return new SmolvlmError('node-closed', 'the node was stopped before the message was answered', {
    hint: 'Send the message again.',
  });
}
