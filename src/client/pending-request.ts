import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { errorBody, SmolvlmError } from '../errors';
import type { DescribeRequest } from '../protocol/describe-request';
import type { DropReason, EngineEvent, FinalEvent } from '../protocol/events';
import { longestTimerMs } from '../protocol/limits';
import { isEngineEvent, isFinal, NdjsonDecoder } from '../protocol/ndjson';
import { defined } from '../system/defined';
import type { Connected, EngineConnection } from './engine-connection';
import { describeBody, mayBeSentAgain, readJson, sendToEngine } from './engine-http';
import type { OpenRequest } from './open-requests';
import { RepeatedTokens } from './repeated-tokens';

const pauseMs = 100;
/** The engine keeps the deadline; the client's own comes after, for an engine that cannot answer. */
const deadlineMarginMs = 2_000;
const responseEndMs = 1_000;
/** Engine runs that may end under a running request before it is given up. */
const retries = 1;

/** One request of a client with its pictures, kept until it ends and sent again to an engine that was restarted. */
export class PendingRequest implements OpenRequest {
  readonly sizeBytes: number;
  readonly final: Promise<FinalEvent>;
  readonly request: DescribeRequest;
  readonly #pictures: readonly Uint8Array[];
  readonly #connection: EngineConnection;
  readonly #onEvent: (event: EngineEvent) => void;
  readonly #startedAt = performance.now();
  /** Aborted when the request ends here and not by the engine's answer. */
  readonly #stopped = new AbortController();
  #isEnded = false;
  #resolve: (final: FinalEvent) => void = () => {};
  /** Engine run that it was sent to last. */
  #sentTo: Connected | undefined;
  /** Engine run that reported it running. */
  #startedOn: string | undefined;
  #lostRuns = 0;
  /** When the request was sent, until an event answers it. */
  #unconfirmedSince: number | undefined = performance.now();
  readonly #tokens = new RepeatedTokens();
  /** Resolves when the engine has cancelled a dropped request, or could not be reached. */
  cancelled: Promise<void> = Promise.resolve();

  constructor(
    connection: EngineConnection,
    request: DescribeRequest,
    pictures: readonly Uint8Array[],
    onEvent: (event: EngineEvent) => void,
  ) {
    this.#connection = connection;
    this.request = request;
    this.#pictures = pictures;
    this.#onEvent = onEvent;
    this.sizeBytes = pictures.reduce((sum, picture) => sum + picture.byteLength, 0);
    this.final = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** How long the engine has not confirmed the request; undefined once it has. */
  get unconfirmedMs(): number | undefined {
    if (this.#unconfirmedSince === undefined) return undefined;
    return performance.now() - this.#unconfirmedSince;
  }

  /** Never rejects. @param deadlineMs for a request that has none */
  async run(deadlineMs: number): Promise<FinalEvent> {
    const limitMs = this.request.deadlineMs ?? deadlineMs;
    const timer = setTimeout(
      () => this.drop('deadline', `no answer within ${limitMs} ms`),
      Math.min(limitMs + deadlineMarginMs, longestTimerMs),
    );
    void this.#untilAnswered(limitMs).catch((error: unknown) => this.#fail(error));
    const final = await this.final;
    clearTimeout(timer);
    return final;
  }

  /** Ends the request here, and cancels it in the engine. */
  drop(reason: DropReason, message: string): void {
    const { id } = this.request;
    const final: FinalEvent = { type: 'dropped', id, reason, message };
    if (!this.#end(final)) return;
    this.#stopped.abort();
    this.cancelled = this.#cancel();
  }

  #end(final: FinalEvent): boolean {
    if (this.#isEnded) return false;
    this.#isEnded = true;
    this.#resolve(final);
    return true;
  }

  #fail(error: unknown): void {
    if (this.#end({ type: 'error', id: this.request.id, error: errorBody(error) })) this.#stopped.abort();
  }

  async #untilAnswered(limitMs: number): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      const connected = await this.#connection.ready();
      if (signal.aborted) return;
      this.#countLostRun(connected);
      const request = this.#withTimeLeft(limitMs);
      if (!request) return;
      await this.#send(connected, request).catch((error: unknown) => {
        if (!mayBeSentAgain(error)) throw error;
      });
      if (this.#isEnded || signal.aborted) return;
      this.#unconfirmedSince ??= performance.now();
      await this.#connection.suspect(connected);
      await delay(pauseMs);
    }
  }

  /** @throws SmolvlmError `engine-lost` */
  #countLostRun({ instance }: Connected): void {
    if (this.#startedOn === undefined || this.#startedOn === instance) return;
    this.#startedOn = undefined;
    this.#lostRuns += 1;
    if (this.#lostRuns <= retries) return;
    throw new SmolvlmError(
      'engine-lost',
      `the engine ended ${this.#lostRuns} times while it worked on this frame`,
      {
        hint: "See the engine's log; this picture or model may be the cause.",
      },
    );
  }

  /** @returns the request with the time left to it; undefined when it has been dropped here */
  #withTimeLeft(limitMs: number): DescribeRequest | undefined {
    const elapsedMs = performance.now() - this.#startedAt;
    const { maxAgeMs } = this.request;
    if (maxAgeMs !== undefined && elapsedMs >= maxAgeMs) {
      this.drop('expired', `waited longer than ${maxAgeMs} ms`);
      return undefined;
    }
    const deadlineMs = Math.max(1, limitMs - elapsedMs);
    const ageLeftMs = maxAgeMs === undefined ? undefined : maxAgeMs - elapsedMs;
    return { ...this.request, deadlineMs, ...defined({ maxAgeMs: ageLeftMs }) };
  }

  /** Sends it, and reads the events to their end. */
  async #send(connected: Connected, request: DescribeRequest): Promise<void> {
    const { endpoint, instance } = connected;
    const { signal } = this.#stopped;
    this.#sentTo = connected;
    const response = await sendToEngine(endpoint, {
      method: 'POST',
      path: '/v1/frames/describe',
      ...describeBody(request, this.#pictures),
      signal,
    });
    if (response.statusCode !== 200) await readJson(response);
    this.#tokens.restart();
    let stopWaiting = (): void => {};
    for await (const event of readEvents(response)) {
      this.#unconfirmedSince = undefined;
      if (this.#isEnded) continue;
      if (event.type === 'progress') this.#startedOn = instance;
      if (isFinal(event)) {
        this.#end(event);
        // The response ends with its final event; its connection is kept only if it does.
        const timer = setTimeout(() => response.destroy(), responseEndMs);
        stopWaiting = () => clearTimeout(timer);
      } else this.#passOn(event);
    }
    stopWaiting();
  }

  #passOn(event: EngineEvent): void {
    const fresh = this.#tokens.next(event);
    if (fresh) this.#callBack(fresh);
  }

  /** An error thrown by the caller's listener ends its own request, and is not mistaken for the engine's. */
  #callBack(event: EngineEvent): void {
    try {
      this.#onEvent(event);
    } catch (error) {
      this.#fail(error);
      this.cancelled = this.#cancel();
    }
  }

  /** Also where the lease on the engine was lost: the request may go on there. */
  async #cancel(): Promise<void> {
    const connected = this.#sentTo;
    if (!connected) return;
    try {
      const path = `/v1/requests/${encodeURIComponent(this.request.id)}`;
      const signal = AbortSignal.timeout(deadlineMarginMs);
      await readJson(await sendToEngine(connected.endpoint, { method: 'DELETE', path, signal }));
    } catch {
      // An engine that cannot be reached cancels the request by itself when no reader comes back for it.
    }
  }
}

async function* readEvents(response: IncomingMessage): AsyncGenerator<EngineEvent> {
  const decoder = new NdjsonDecoder();
  for await (const bytes of response) {
    for (const line of decoder.push(bytes)) if (isEngineEvent(line)) yield line;
  }
}
