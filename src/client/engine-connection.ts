import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { SmolvlmError } from '../errors';
import { isOlderVersion, packageVersion } from '../package-version';
import { protocolVersion } from '../protocol/engine-status';
import { NdjsonDecoder } from '../protocol/ndjson';
import { systemClock } from '../system/clock';
import { defined } from '../system/defined';
import type { EngineAddress } from './engine-address';
import type { ConnectionState } from './engine-api';
import {
  drainEngine,
  type Endpoint,
  engineUnreachable,
  mayBeSentAgain,
  readJson,
  sendToEngine,
} from './engine-http';
import { closeConnections, keepConnections } from './kept-connections';
import { joinLocalEngine, type LocalEngineOptions } from './local-engine';

/** The first line of a lease. */
interface Lease {
  readonly instance: string;
  /** Of the engine's package. */
  readonly version?: string;
}

/** An engine run whose lease this client holds. */
export interface Connected {
  readonly endpoint: Endpoint;
  /** Identifies the run: a restarted engine has another one. */
  readonly instance: string;
}

export interface ConnectionOptions {
  readonly address: EngineAddress;
  readonly local: LocalEngineOptions;
  /** How long an engine may stay out of reach before `ready` fails. */
  readonly unreachableMs: number;
  readonly onState: (state: ConnectionState) => void;
  /** Default: this package's. */
  readonly version?: string;
}

const firstPauseMs = 100;
const longestPauseMs = 5_000;
/** While nothing waits for a lost engine. */
const longestLookMs = 10_000;

/**
 * Holds a lease on the engine: joins or starts it, notices its end, and connects again on the next `ready`, or when a
 * remote engine is back.
 */
export class EngineConnection {
  readonly #options: ConnectionOptions;
  readonly #closed = new AbortController();
  #connected: Promise<Connected> | undefined;
  #hasReplaced = false;
  /** A lease on an engine of an older version, which is to be replaced. */
  #older: { readonly response: IncomingMessage; readonly endpoint: Endpoint } | undefined;
  #lease: { readonly response: IncomingMessage; readonly connected: Connected } | undefined;
  #stopLooking = (): void => {};

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** @throws SmolvlmError `engine-start`, `engine-unreachable`, `engine-protocol`, `request-unauthorized` */
  ready(): Promise<Connected> {
    if (this.#connected !== undefined) return this.#connected;
    this.#stopLooking();
    this.#connected = this.#connect().catch((error: unknown) => {
      this.#connected = undefined;
      if (this.#closed.signal.aborted) throw new SmolvlmError('client-closed', 'the client was closed');
      this.#options.onState('lost');
      if (error instanceof SmolvlmError && error.code === 'engine-unreachable') this.#look();
      throw error;
    });
    return this.#connected;
  }

  /** Reports that a request over this connection failed: the next `ready` connects again. */
  async suspect(connected: Connected): Promise<void> {
    const current = await this.#connected?.catch(() => undefined);
    if (current === connected) this.#drop();
  }

  close(): void {
    this.#closed.abort();
    this.#stopLooking();
    for (const held of [this.#lease, this.#older]) held?.response.destroy();
    if (this.#lease) closeConnections(this.#lease.connected.endpoint, true);
    this.#lease = undefined;
    this.#connected = undefined;
  }

  async #connect(): Promise<Connected> {
    const startedAt = systemClock.now();
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      this.#closed.signal.throwIfAborted();
      this.#options.onState('connecting');
      try {
        return await this.#openLease(await this.#find(), this.#closed.signal);
      } catch (error) {
        if (!mayBeSentAgain(error)) throw error;
        if (systemClock.now() - startedAt > this.#options.unreachableMs)
          throw engineUnreachable(this.#options.address, error);
      }
      this.#options.onState('lost');
      await delay(pauseMs, undefined, { signal: this.#closed.signal });
    }
  }

  async #find(): Promise<Endpoint> {
    const { address, local } = this.#options;
    if (address.kind === 'local') {
      const older = this.#older;
      this.#older = undefined;
      const replace = older && (() => this.#endOlder(older));
      return { socketPath: await joinLocalEngine(local, this.#closed.signal, replace) };
    }
    if (address.kind === 'socket') return { socketPath: address.path };
    const { url, token, fingerprint } = address;
    return { url, ...defined({ token, fingerprint }) };
  }

  /** The lease is a response that never ends; its first line identifies the engine. */
  async #openLease(endpoint: Endpoint, signal: AbortSignal): Promise<Connected> {
    const response = await sendToEngine(endpoint, { method: 'GET', path: '/v1/lease', signal });
    if (response.statusCode !== 200) await readJson(response);
    const { instance, version } = await readLease(response).catch((error: unknown) => {
      response.destroy();
      throw error;
    });
    response.on('error', () => {});
    response.resume();
    if (this.#options.address.kind === 'local' && this.#replaces(version)) {
      this.#older = { response, endpoint };
      throw new Error(`the engine of version ${version} is replaced`);
    }
    // Ended since its first line, or no longer wanted: another lease is opened.
    if (response.destroyed || signal.aborted) {
      response.destroy();
      throw new Error('the engine ended');
    }
    const connected = { endpoint, instance };
    keepConnections(endpoint);
    this.#lease = { response, connected };
    response.once('close', () => {
      if (this.#lease?.response === response) this.#drop();
    });
    this.#connected = Promise.resolve(connected);
    this.#options.onState('connected');
    return connected;
  }

  /**
   * Connects again when a lost remote engine is back, though nothing waits for it: its state is shown. Ends when it is
   * back, when it refuses this client, and when `ready` connects.
   */
  #look(pauseMs = firstPauseMs): void {
    this.#stopLooking();
    // A listener to the state may have called `ready`.
    if (this.#connected !== undefined || this.#closed.signal.aborted) return;
    if (this.#options.address.kind === 'local') return;
    const stopped = new AbortController();
    const look = async (): Promise<void> => {
      try {
        await this.#openLease(await this.#find(), stopped.signal);
      } catch (error) {
        const isRefused = !mayBeSentAgain(error);
        if (!stopped.signal.aborted && !isRefused) this.#look(Math.min(2 * pauseMs, longestLookMs));
      }
    };
    const cancel = systemClock.after(pauseMs, () => void look(), { keepsProcess: false });
    this.#stopLooking = () => {
      cancel();
      stopped.abort();
    };
  }

  /** Whether an engine of this version is to end, so that this client starts its own. */
  #replaces(version: string | undefined): boolean {
    const own = this.#options.version ?? packageVersion();
    // Once: after a downgrade this client's own engine is the older one.
    if (this.#hasReplaced || version === undefined || !isOlderVersion(version, own)) return false;
    this.#hasReplaced = true;
    return true;
  }

  /** Asks it to finish and end, unless it has ended. @returns whether it does */
  async #endOlder({
    response,
    endpoint,
  }: {
    response: IncomingMessage;
    endpoint: Endpoint;
  }): Promise<boolean> {
    try {
      return !response.destroyed && (await drainEngine(endpoint, this.#closed.signal));
    } finally {
      response.destroy();
    }
  }

  #drop(): void {
    const lease = this.#lease;
    this.#lease = undefined;
    this.#connected = undefined;
    lease?.response.destroy();
    if (lease) closeConnections(lease.connected.endpoint);
    if (this.#closed.signal.aborted) return;
    // The next request starts a local engine; until then nothing is out of reach.
    this.#options.onState(this.#options.address.kind === 'local' ? 'idle' : 'lost');
    this.#look();
  }
}

/** @throws SmolvlmError `engine-protocol` */
async function readLease(response: IncomingMessage): Promise<Lease> {
  const decoder = new NdjsonDecoder();
  const line = await new Promise<object>((resolve, reject) => {
    response.on('data', function read(bytes: Buffer) {
      try {
        const [first] = decoder.push(bytes);
        if (!first) return;
        response.off('data', read);
        resolve(first);
      } catch (error) {
        reject(error);
      }
    });
    response.once('error', reject);
    response.once('close', () => reject(new Error('the engine ended')));
  });
  const { instance, protocol, version } = line as Readonly<Record<string, unknown>>;
  if (typeof instance === 'string' && protocol === protocolVersion)
    return { instance, ...(typeof version === 'string' && { version }) };
  const theirs = typeof version === 'string' ? `version ${version}` : 'an unknown version';
  throw new SmolvlmError(
    'engine-protocol',
    `expected an engine with protocol version ${protocolVersion}, received ${String(protocol)}: the engine has ${theirs} of this package, this machine ${packageVersion()}`,
    { hint: 'Install the same version of this package on both machines.' },
  );
}
