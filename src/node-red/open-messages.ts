import { types } from 'node:util';
import type { Node, NodeMessage } from 'node-red';
import { SmolvlmError } from '../errors';
import { type FailureText, NodeFailure } from './failures/node-failure';
import { refuseRequest } from './refuse-request';
import type { StoppingFlows } from './stopping-flows';

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
    const ways = new MessageWays(this.#node, needed);
    const end = (error?: Error): void => {
      if (!this.#open.delete(close)) return;
      try {
        const { hide } = this.#options;
        if (error) hide?.(message);
        else if (ways.reason !== undefined) refuseLater(needed, ways.reason);
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
        ways.note(messages);
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

/** Where the sent messages of one HTTP request have gone. */
class MessageWays {
  /** Ids of the nodes behind each output; undefined if they are not known. */
  readonly #outputs: readonly { readonly length: number }[] | undefined;
  readonly #response: unknown;
  #leads = false;
  #lost: string | undefined;

  constructor(node: Node, { res }: NodeMessage & { readonly res?: unknown }) {
    const { wires } = node as Node & { readonly wires?: unknown };
    this.#outputs = Array.isArray(wires) ? wires : undefined;
    this.#response = res;
  }

  /** Why the request has no answer: all of its messages left through outputs without a wire. */
  get reason(): string | undefined {
    return this.#leads ? undefined : this.#lost;
  }

  note(messages: readonly (NodeMessage | null)[]): void {
    if (this.#response === undefined) return;
    for (const [output, message] of messages.entries()) {
      if (!message || Reflect.get(message, 'res') !== this.#response) continue;
      if (this.#outputs === undefined || this.#outputs[output]?.length) this.#leads = true;
      else this.#lost ??= reasonOf(message);
    }
  }
}

/** As dropped captions and held frames have it. */
function reasonOf(message: object): string | undefined {
  const { caption, frame } = message as Record<
    'caption' | 'frame',
    { readonly reason?: unknown } | undefined
  >;
  return [caption?.reason, frame?.reason].find((each) => typeof each === 'string');
}

/** A Complete node, or another branch of the flow, may answer until then. */
const graceMs = 1_000;

function refuseLater(needed: NodeMessage, reason: string): void {
  setTimeout(() => refuseRequest(needed, reason), graceMs).unref();
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
