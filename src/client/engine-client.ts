import { SmolvlmError } from '../errors';
import type { DescribeRequest } from '../protocol/describe-request';
import type { DoctorReport } from '../protocol/doctor-report';
import type { EngineStatus } from '../protocol/engine-status';
import type { FinalEvent } from '../protocol/events';
import { defined } from '../system/defined';
import { AbstractEngineClient } from './abstract-engine-client';
import type { EngineAddress } from './engine-address';
import type { DescribeOptions } from './engine-api';
import { type Connected, EngineConnection } from './engine-connection';
import { engineUnreachable, mayBeSentAgain, readJson, sendToEngine } from './engine-http';
import type { LocalEngineOptions } from './local-engine';
import { PendingRequest } from './pending-request';

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
export class EngineClient extends AbstractEngineClient<PendingRequest> {
  readonly #address: EngineAddress;
  readonly #options: EngineClientOptions;
  readonly #connection: EngineConnection;

  constructor(address: EngineAddress, options: EngineClientOptions = {}) {
    super(options.maxKeptBytes);
    this.#address = address;
    this.#options = options;
    this.#connection = new EngineConnection({
      address,
      local: options.local ?? {},
      unreachableMs: options.unreachableMs ?? 30_000,
      ...defined({ version: options.version }),
      onState: (state) => this.requests.setState(state),
    });
  }

  protected send(
    request: DescribeRequest,
    pictures: readonly Uint8Array[],
    options: DescribeOptions,
  ): Promise<FinalEvent> {
    return this.requests.run(request, pictures, options, () => {
      const pending = new PendingRequest(this.#connection, request, pictures, options.onEvent ?? (() => {}));
      return { pending, answer: () => pending.run(this.#options.deadlineMs ?? 10 * 60_000) };
    });
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

  protected async disconnect(): Promise<void> {
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
      return await this.#getAgain(path, signal);
    }
  }

  async #getAgain(path: string, signal: AbortSignal | undefined): Promise<unknown> {
    try {
      return await getJson(await this.#connection.ready(), path, signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof SmolvlmError || !mayBeSentAgain(error)) throw error;
      throw engineUnreachable(this.#address, error);
    }
  }
}
