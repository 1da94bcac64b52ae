import { randomUUID } from 'node:crypto';
import type { DescribeRequest } from '../protocol/describe-request';
import type { DoctorReport } from '../protocol/doctor-report';
import type { EngineStatus } from '../protocol/engine-status';
import type { DescribeFinal, FeaturesFinal, FinalEvent } from '../protocol/events';
import { defined } from '../system/defined';
import type { EngineAddress } from './engine-address';
import type { ConnectionState, DescribeInput, DescribeOptions, EngineApi, FeaturesInput } from './engine-api';
import { type Connected, EngineConnection } from './engine-connection';
import { mayBeSentAgain, readJson, sendToEngine } from './engine-http';
import type { LocalEngineOptions } from './local-engine';
import { PendingRequest } from './pending-request';
import { applyQueuePolicy } from './unconfirmed-requests';

export interface EngineClientOptions {
  /** How a local engine is found or started. */
  readonly local?: LocalEngineOptions;
  /** Time from request to answer, for requests without a deadline. */
  readonly deadlineMs?: number;
  /** How long an engine may stay out of reach before its requests fail. */
  readonly unreachableMs?: number;
  /** This client's version, which replaces older local engines; default: this package's. */
  readonly version?: string;
  /** Limit on the pictures kept for unanswered requests. */
  readonly maxKeptBytes?: number;
}

async function getJson({ endpoint }: Connected, path: string, signal?: AbortSignal): Promise<unknown> {
  return await readJson(await sendToEngine(endpoint, { method: 'GET', path, ...defined({ signal }) }));
}

/** A client of one engine; opens nothing before its first use. */
export class EngineClient implements EngineApi {
  readonly #options: EngineClientOptions;
  readonly #connection: EngineConnection;
  readonly #requests = new Map<string, PendingRequest>();
  readonly #listeners = new Set<(state: ConnectionState) => void>();
  #state: ConnectionState = 'idle';
  #keptBytes = 0;

  constructor(address: EngineAddress, options: EngineClientOptions = {}) {
    this.#options = options;
    this.#connection = new EngineConnection({
      address,
      local: options.local ?? {},
      unreachableMs: options.unreachableMs ?? 30_000,
      ...defined({ version: options.version }),
      onState: (state) => this.#setState(state),
    });
  }

  get state(): ConnectionState {
    return this.#state;
  }

  async describe(
    input: DescribeInput,
    pictures: readonly Uint8Array[],
    options: DescribeOptions = {},
  ): Promise<DescribeFinal> {
    const final = await this.#send({ ...input, id: input.id ?? randomUUID() }, pictures, options);
    return final.type === 'features' ? answeredOtherwise(final) : final;
  }

  async encode(
    input: FeaturesInput,
    pictures: readonly Uint8Array[],
    options: DescribeOptions = {},
  ): Promise<FeaturesFinal> {
    const request: DescribeRequest = { ...input, task: 'features', id: input.id ?? randomUUID() };
    const final = await this.#send(request, pictures, options);
    return final.type === 'result' ? answeredOtherwise(final) : final;
  }

  async #send(
    request: DescribeRequest,
    pictures: readonly Uint8Array[],
    options: DescribeOptions,
  ): Promise<FinalEvent> {
    const { id } = request;
    const refused = this.#refusal(id, pictures);
    if (refused) return refused;
    const full = applyQueuePolicy(request, this.#requests.values());
    if (full) return full;
    const pending = new PendingRequest(this.#connection, request, pictures, options.onEvent ?? (() => {}));
    this.#requests.set(id, pending);
    this.#keptBytes += pending.sizeBytes;
    const cancel = (): void => this.cancel(id);
    options.signal?.addEventListener('abort', cancel, { once: true });
    if (options.signal?.aborted) cancel();
    try {
      return await pending.run(this.#options.deadlineMs ?? 10 * 60_000);
    } finally {
      options.signal?.removeEventListener('abort', cancel);
      this.#requests.delete(id);
      this.#keptBytes -= pending.sizeBytes;
    }
  }

  async open(): Promise<void> {
    await this.#connection.ready();
  }

  async status(signal?: AbortSignal): Promise<EngineStatus> {
    return (await this.#get('/v1/status', signal)) as EngineStatus;
  }

  async doctor(model?: string): Promise<DoctorReport> {
    const query = model === undefined ? '' : `?${new URLSearchParams({ model })}`;
    return (await this.#get(`/v1/smolvlm/doctor${query}`)) as DoctorReport;
  }

  cancel(id: string): void {
    this.#requests.get(id)?.drop('cancelled', 'the request was cancelled');
  }

  onState(listener: (state: ConnectionState) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    const requests = [...this.#requests.values()];
    for (const request of requests) request.drop('shutdown', 'the client was closed');
    this.#setState('closed');
    await Promise.all(requests.map((request) => request.cancelled));
    this.#connection.close();
  }

  async #get(path: string, signal?: AbortSignal): Promise<unknown> {
    const connected = await this.#connection.ready();
    try {
      return await getJson(connected, path, signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (!mayBeSentAgain(error)) throw error;
      // The engine ended before it answered: the request goes to its successor, once.
      await this.#connection.suspect(connected);
      return await getJson(await this.#connection.ready(), path, signal);
    }
  }

  #refusal(id: string, pictures: readonly Uint8Array[]): (DescribeFinal & FeaturesFinal) | undefined {
    if (this.#state === 'closed') {
      return { type: 'dropped', id, reason: 'shutdown', message: 'the client was closed' };
    }
    const sizeBytes = pictures.reduce((sum, picture) => sum + picture.byteLength, 0);
    const maxKeptBytes = this.#options.maxKeptBytes ?? 256 * 1024 * 1024;
    if (this.#requests.has(id)) {
      const message = `a request with the id "${id}" is already running`;
      return { type: 'error', id, error: { code: 'client-id-in-use', message } };
    }
    if (this.#keptBytes + sizeBytes <= maxKeptBytes) return undefined;
    const message = `expected at most ${maxKeptBytes} bytes of pictures in unanswered requests; ${this.#requests.size} requests hold ${this.#keptBytes}`;
    const hint = 'Send frames less often, or smaller ones.';
    return { type: 'error', id, error: { code: 'client-full', message, hint } };
  }

  #setState(state: ConnectionState): void {
    if (this.#state === 'closed' || this.#state === state) return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}

/** The id of an earlier request of the other kind was used again. */
function answeredOtherwise({ id, type }: FinalEvent): DescribeFinal & FeaturesFinal {
  const kind = type === 'features' ? 'features' : 'a description';
  const message = `the id "${id}" belongs to a request for ${kind}`;
  return { type: 'error', id, error: { code: 'client-id-in-use', message } };
}
