import { types } from 'node:util';
import type { Node, NodeMessage } from 'node-red';
import { SmolvlmError } from '../errors';
import { type FailureText, NodeFailure } from './failures/node-failure';
import type { StoppingFlows } from './stopping-flows';
import { RequestBranch, refuseRequest } from './unanswered-request';

/** As Node-RED gives it with a message: one entry for each output. */
export type Send = (messages: (NodeMessage | null)[]) => void;

export type Done = (error?: Error) => void;

/** A message that a node works on. None of its functions throws. */
export interface OpenMessage<M extends NodeMessage> {
  /** The message itself or, if it cannot be changed, a copy. */
  readonly message: M;
  /** Does nothing once the message has ended. */
  readonly send: Send;
  /** Ends the message; later calls do nothing. */
  readonly done: Done;
  /** The message has its answer, and what may still follow is extra: closing the node is not an error for it. */
  readonly answered: () => void;
}

export interface OpenMessagesOptions {
  /** Removes what Catch and Complete nodes must not receive. */
  readonly hide?: (message: NodeMessage) => void;
  readonly text?: FailureText;
  /** Absent: some other node is always left to answer. */
  readonly flows?: StoppingFlows;
}

/**
 * The messages that a node has not ended yet. Each ends once, whatever it contains: Node-RED copies messages for several
 * wires and for Catch nodes, and what cannot be copied would end its process. When the node closes, messages without an
 * answer end with `node-closed`, so that a Catch node can answer an HTTP request that waits. If Catch nodes are stopped
 * at the same time, the request is answered here; so is one whose message leaves only through outputs without a wire.
 */
export class OpenMessages {
  readonly #node: Node;
  readonly #options: OpenMessagesOptions;
  readonly #open = new Set<() => void>();
  #closed = false;

  constructor(node: Node, options: OpenMessagesOptions = {}) {
    this.#node = node;
    this.#options = options;
  }

  /** @returns undefined if the message has ended at once: it cannot be read, or the node is closed */
  begin<M extends NodeMessage>(received: M, sendNow: Send, doneNow: Done): OpenMessage<M> | undefined {
    // Now: Node-RED takes the request out of a message while it copies it.
    const needed = whatAnswersNeed(received);
    let message: M;
    try {
      message = changeable(received);
    } catch (cause) {
      this.#report(unreadable(cause), needed);
      return undefined;
    }
    let isAnswered = false;
    const branch = new RequestBranch(this.#node, message, needed);
    const end = (error?: Error): void => {
      if (!this.#open.delete(close)) return;
      branch.end(error === undefined);
      try {
        const { hide } = this.#options;
        if (error) hide?.(message);
        // Catch and Complete nodes would receive the message that `done` was made for.
        if (message === received) doneNow(error);
        else if (error) this.#node.error(error, message);
        else if (!hide) doneNow();
      } catch (cause) {
        this.#report(error ?? unreadable(cause), needed);
      }
    };
    const send: Send = (messages) => {
      if (!this.#open.has(close)) return;
      try {
        branch.leaves(messages);
        sendNow(messages);
      } catch (cause) {
        end(this.#failure(unreadable(cause)));
      }
    };
    const close = (): void => {
      const failure = isAnswered ? undefined : this.#failure(nodeClosed());
      end(failure);
      if (failure && this.#options.flows?.stopsWholeFlows) refuseRequest(needed, failure.message);
    };
    this.#open.add(close);
    if (this.#closed) {
      close();
      return undefined;
    }
    const answered = (): void => {
      isAnswered = true;
    };
    return { message, send, done: end, answered };
  }

  close(): void {
    this.#closed = true;
    for (const close of [...this.#open]) close();
  }

  /** An error of a message that Catch nodes cannot receive as it is. */
  #report(error: unknown, needed: NodeMessage): void {
    this.#node.error(this.#failure(error), needed);
  }

  #failure(error: unknown): NodeFailure {
    return error instanceof NodeFailure ? error : new NodeFailure(error, this.#options.text);
  }
}

/** What links a message to the request that waits for it. */
function whatAnswersNeed(message: object): NodeMessage {
  const kept: Record<string, unknown> = {};
  for (const name of ['_msgid', '_linkSource', 'req', 'res', 'parts', '_session']) {
    try {
      const value: unknown = Reflect.get(message, name);
      if (value !== undefined) kept[name] = value;
    } catch {
      // The next one may be readable.
    }
  }
  return kept;
}

/** @throws what reading its properties throws */
function changeable<M extends NodeMessage>(message: M): M {
  const copy = { ...message };
  if (types.isProxy(message) || !Object.isExtensible(message)) return copy;
  const properties = Object.values(Object.getOwnPropertyDescriptors(message));
  return properties.every(({ writable, configurable }) => writable && configurable) ? message : copy;
}

function unreadable(cause: unknown): SmolvlmError {
  // A function node's errors are of another realm.
  const reason = types.isNativeError(cause) ? cause.message : String(cause);
  return new SmolvlmError('node-message', `the message cannot be read or copied: ${reason}`, {
    hint: 'Send plain values: text, numbers, buffers, and objects of these.',
    cause,
  });
}

function nodeClosed(): SmolvlmError {
  return new SmolvlmError('node-closed', 'the node was stopped before the message was answered', {
    hint: 'Send the message again.',
  });
}
