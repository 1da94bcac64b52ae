import { randomUUID } from 'node:crypto';
import { SmolvlmError } from '../errors';
import type { DescribeRequest } from '../protocol/describe-request';
import type { DoctorReport } from '../protocol/doctor-report';
import type { EngineStatus } from '../protocol/engine-status';
import type { DescribeFinal, FeaturesFinal, FinalEvent } from '../protocol/events';
import type { EngineAddress } from './engine-address';
import type { ConnectionState, DescribeInput, DescribeOptions, EngineApi, FeaturesInput } from './engine-api';
import { type Connected, EngineConnection } from './engine-connection';
import { callEngine, readJson } from './engine-http';
import type { LocalEngineOptions } from './local-engine';
import { PendingRequest } from './pending-request';
import { applyQueuePolicy } from './unconfirmed-requests';

export interface EngineClientOptions {
  /** How a local engine is found or started. */
  readonly local?: LocalEngineOptions;
  /** Time from call to answer for requests without a deadline. */
  readonly deadlineMs?: number;
  /** How long an engine may stay out of reach before its requests fail. */
  readonly unreachableMs?: number;
  /** Bytes of pictures kept for unanswered requests. */
  readonly maxKeptBytes?: number;
}

async function read({ endpoint }: Connected, path: string): Promise<unknown> {
  return await readJson(await callEngine(endpoint, { method: 'GET', path }));
}

/** A client of one engine; opens nothing before its first use. */
export class EngineClient implements EngineApi {
  readonly #options: EngineClientOptions;
  readonly #connection: EngineConnection;
  readonly #calls = new Map<string, PendingRequest>();
  readonly #listeners = new Set<(state: ConnectionState) => void>();
  #state: ConnectionState = 'idle';
  #keptBytes = 0;

  constructor(address: EngineAddress, options: EngineClientOptions = {}) {
    this.#options = options;
    this.#connection = new EngineConnection({
      address,
      local: options.local ?? {},
      unreachableMs: options.unreachableMs ?? 30_000,
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
    const final = await this.#call({ ...input, id: input.id ?? randomUUID() }, pictures, options);
    return final.type === 'features' ? answeredOtherwise(final) : final;
  }

  async encode(
    input: FeaturesInput,
    pictures: readonly Uint8Array[],
    options: DescribeOptions = {},
  ): Promise<FeaturesFinal> {
    const request: DescribeRequest = { ...input, task: 'features', id: input.id ?? randomUUID() };
    const final = await this.#call(request, pictures, options);
    return final.type === 'result' ? answeredOtherwise(final) : final;
  }

  async #call(
    request: DescribeRequest,
    pictures: readonly Uint8Array[],
    options: DescribeOptions,
  ): Promise<FinalEvent> {
    const { id } = request;
    const refused = this.#refusal(id, pictures);
    if (refused) return refused;
    const full = applyQueuePolicy(request, this.#calls.values());
    if (full) return full;
    const call = new PendingRequest(this.#connection, request, pictures, options.onEvent ?? (() => {}));
    this.#calls.set(id, call);
    this.#keptBytes += call.sizeBytes;
    const cancel = (): void => this.cancel(id);
    options.signal?.addEventListener('abort', cancel, { once: true });
    if (options.signal?.aborted) cancel();
    try {
      return await call.run(this.#options.deadlineMs ?? 10 * 60_000);
    } finally {
      options.signal?.removeEventListener('abort', cancel);
      this.#calls.delete(id);
      this.#keptBytes -= call.sizeBytes;
    }
  }

  async open(): Promise<void> {
    await this.#connection.ready();
  }

  async status(): Promise<EngineStatus> {
    return (await this.#ask('/v1/status')) as EngineStatus;
  }

  async doctor(model?: string): Promise<DoctorReport> {
    const query = model === undefined ? '' : `?${new URLSearchParams({ model })}`;
    return (await this.#ask(`/v1/smolvlm/doctor${query}`)) as DoctorReport;
  }

  cancel(id: string): void {
    this.#calls.get(id)?.drop('cancelled', 'the request was cancelled');
  }

  onState(listener: (state: ConnectionState) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    const calls = [...this.#calls.values()];
    for (const call of calls) call.drop('shutdown', 'the client was closed');
    this.#setState('closed');
    await Promise.all(calls.map((call) => call.takenBack));
    this.#connection.close();
  }

  async #ask(path: string): Promise<unknown> {
    const connected = await this.#connection.ready();
    try {
      return await read(connected, path);
    } catch (error) {
      if (error instanceof SmolvlmError && error.code !== 'engine-stopping') throw error;
      // The engine ended under the question: its successor is asked, once.
      await this.#connection.suspect(connected);
      return await read(await this.#connection.ready(), path);
    }
  }

  #refusal(id: string, pictures: readonly Uint8Array[]): (DescribeFinal & FeaturesFinal) | undefined {
    if (this.#state === 'closed') {
      return { type: 'dropped', id, reason: 'shutdown', message: 'the client was closed' };
    }
    const sizeBytes = pictures.reduce((sum, picture) => sum + picture.byteLength, 0);
    const maxKeptBytes = this.#options.maxKeptBytes ?? 256 * 1024 * 1024;
    if (this.#calls.has(id)) {
      const message = `a request with the id "${id}" is under way`;
      return { type: 'error', id, error: { code: 'client-id-in-use', message } };
    }
    if (this.#keptBytes + sizeBytes <= maxKeptBytes) return undefined;
    const message = `${this.#calls.size} unanswered requests keep ${this.#keptBytes} bytes of pictures; ${maxKeptBytes} may be kept`;
    const hint = 'Send frames less often, or smaller ones.';
    return { type: 'error', id, error: { code: 'client-full', message, hint } };
  }

  #setState(state: ConnectionState): void {
    if (this.#state === 'closed' || this.#state === state) return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}

/** An id was used again, for something else. */
function answeredOtherwise({ id, type }: FinalEvent): DescribeFinal & FeaturesFinal {
  const asked = type === 'features' ? 'features' : 'a description';
  const message = `the id "${id}" belongs to a request for ${asked}`;
  return { type: 'error', id, error: { code: 'client-id-in-use', message } };
}
