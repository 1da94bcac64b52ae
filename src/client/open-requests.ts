import type { DescribeRequest } from '../protocol/describe-request';
import type { FinalEvent } from '../protocol/events';
import type { ConnectionState, DescribeOptions } from './engine-api';
import { applyQueuePolicy, type UnansweredRequest } from './unconfirmed-requests';

const defaultKeptBytes = 256 * 1024 * 1024;

/** A request of a client that has no answer yet. */
export interface OpenRequest extends UnansweredRequest {
  /** Of its pictures, which are kept until it ends. */
  readonly sizeBytes: number;
  /** Settles when a dropped request has been cancelled where it was sent. */
  readonly cancelled: Promise<void>;
}

/** The requests of a client that have no answer yet, within their limits, and the state of its connection. */
export class OpenRequests<Request extends OpenRequest> implements Iterable<Request> {
  readonly #maxKeptBytes: number;
  readonly #requests = new Map<string, Request>();
  readonly #listeners = new Set<(state: ConnectionState) => void>();
  /** Of requests that have ended here and are being cancelled where they were sent. */
  readonly #cancellations = new Set<Promise<void>>();
  #state: ConnectionState = 'idle';
  #keptBytes = 0;

  /** @param maxKeptBytes limit on the pictures of all of them */
  constructor(maxKeptBytes = defaultKeptBytes) {
    this.#maxKeptBytes = maxKeptBytes;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  [Symbol.iterator](): Iterator<Request> {
    return this.#requests.values();
  }

  /** @returns a function that removes the listener */
  onState(listener: (state: ConnectionState) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** A closed client stays closed. */
  setState(state: ConnectionState): void {
    if (this.#state === 'closed' || this.#state === state) return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }

  /** Keeps a request until it ends. @param begin sends it; called only if it is within the limits */
  async run(
    request: DescribeRequest,
    pictures: readonly Uint8Array[],
    { signal }: DescribeOptions,
    begin: () => { readonly pending: Request; readonly answer: () => Promise<FinalEvent> },
  ): Promise<FinalEvent> {
    const { id } = request;
    const refused = this.#refusal(id, pictures) ?? applyQueuePolicy(request, this);
    if (refused) return refused;
    const { pending, answer } = begin();
    this.#requests.set(id, pending);
    this.#keptBytes += pending.sizeBytes;
    const cancel = (): void => this.cancel(id);
    signal?.addEventListener('abort', cancel, { once: true });
    if (signal?.aborted) cancel();
    try {
      return await answer();
    } finally {
      signal?.removeEventListener('abort', cancel);
      this.#requests.delete(id);
      this.#keptBytes -= pending.sizeBytes;
      this.#keepUntilCancelled(pending);
    }
  }

  cancel(id: string): void {
    this.#requests.get(id)?.drop('cancelled', 'the request was cancelled');
  }

  /** Drops all requests. Resolves when they, and those dropped before, have been cancelled where they were sent. */
  async close(): Promise<void> {
    for (const request of this) {
      request.drop('shutdown', 'the client was closed');
      this.#keepUntilCancelled(request);
    }
    this.setState('closed');
    await Promise.all(this.#cancellations);
  }

  #keepUntilCancelled({ cancelled }: Request): void {
    this.#cancellations.add(cancelled);
    void cancelled.finally(() => this.#cancellations.delete(cancelled));
  }

  #refusal(id: string, pictures: readonly Uint8Array[]): FinalEvent | undefined {
    if (this.#state === 'closed') {
      return { type: 'dropped', id, reason: 'shutdown', message: 'the client was closed' };
    }
    if (this.#requests.has(id)) {
      const message = `a request with the id "${id}" is already running`;
      return { type: 'error', id, error: { code: 'client-id-in-use', message } };
    }
    const sizeBytes = pictures.reduce((sum, picture) => sum + picture.byteLength, 0);
    if (this.#keptBytes + sizeBytes <= this.#maxKeptBytes) return undefined;
    const message = `expected at most ${this.#maxKeptBytes} bytes of pictures in unanswered requests; ${this.#requests.size} requests hold ${this.#keptBytes}`;
    const hint = 'Send frames less often, or smaller ones.';
    return { type: 'error', id, error: { code: 'client-full', message, hint } };
  }
}
