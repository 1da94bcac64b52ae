import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { JetStreamManager } from '@nats-io/jetstream';
import { afterEach, beforeEach } from 'mocha';
import type { EngineApi } from '../../src/client/engine-api';
import { EngineClient } from '../../src/client/engine-client';
import { NatsEngine, type NatsEngineOptions } from '../../src/nats/client/nats-engine';
import { Hub } from '../../src/nats/hub/hub';
import { type NatsAddress, parseNatsAddress } from '../../src/nats/nats-address';
import { openNats } from '../../src/nats/nats-connection';
import { serveEngine } from '../../src/server/serve-engine';
import { defined } from '../../src/system/defined';
import { hasNatsServer, TestNats, type TestNatsOptions } from './test-server';

export interface FakeHubOptions {
  /** Names that it offers besides its default, which is `fake`. */
  readonly models?: readonly string[];
  readonly ackWaitMs?: number;
  readonly drainMs?: number;
  readonly checkMs?: number;
  /** An answer that the server has not confirmed after this is published again. */
  readonly confirmMs?: number;
  /** Copies of the streams. */
  readonly replicas?: number;
  /** Changes what the hub's engine answers. */
  readonly wrap?: (engine: EngineClient) => EngineApi;
}

export interface FakeHub {
  readonly engine: EngineClient;
  readonly log: readonly string[];
  close(): Promise<void>;
  /** Breaks its connection to the queue, as a power cut does. */
  cut(): Promise<void>;
}

export interface HeardMessage {
  readonly subject: string;
  readonly text: string;
}

/** A nats-server with hubs of the fake captioner, and clients. */
export class NatsFake {
  readonly #address: NatsAddress;
  readonly #server: TestNats | undefined;
  readonly #clients: NatsEngine[] = [];
  readonly #hubs: FakeHub[] = [];
  readonly #listeners: { close(): Promise<void> }[] = [];

  private constructor(address: NatsAddress, server?: TestNats) {
    this.#address = address;
    this.#server = server;
  }

  static async start(options?: TestNatsOptions): Promise<NatsFake> {
    const server = await TestNats.start(options);
    return new NatsFake(parseNatsAddress(server.url), server);
  }

  /** With a server that runs already. */
  static at(address: NatsAddress): NatsFake {
    return new NatsFake(address);
  }

  get server(): TestNats {
    if (!this.#server) throw new Error('the server was started elsewhere');
    return this.#server;
  }

  /** Breaks the connections of all hubs. */
  async cutAll(): Promise<void> {
    await Promise.all(this.#hubs.map((hub) => hub.cut()));
  }

  /** Breaks the connection of the newest hub. */
  async cutLast(): Promise<void> {
    await this.#hubs.at(-1)?.cut();
  }

  /** Into the queue. Waits until a hub has taken it: a newer one would take its place. */
  async publish(
    subject: string,
    content: string | Uint8Array,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const { connection, jetstream, manager, packages } = await openNats(this.#address, 'a test');
    const sent = packages.transport.headers();
    for (const [name, value] of Object.entries(headers)) sent.set(name, value);
    await jetstream.publish(subject, content, { headers: sent });
    while ((await manager.streams.info('smolvlm')).state.messages > 0) await delay(5);
    await connection.close();
  }

  /** As an administrator does by mistake. */
  async administer(act: (manager: JetStreamManager) => Promise<unknown>): Promise<void> {
    const { connection, manager } = await openNats(this.#address, 'a test');
    await act(manager);
    await connection.close();
  }

  /** To every subscriber, not kept. */
  async say(subject: string, text: string): Promise<void> {
    const { connection } = await openNats(this.#address, 'a test');
    connection.publish(subject, text);
    await connection.drain();
  }

  /** @returns what is published from now on */
  async listen(subject: string): Promise<readonly HeardMessage[]> {
    const { connection } = await openNats(this.#address, 'a test');
    this.#listeners.push(connection);
    const heard: HeardMessage[] = [];
    connection.subscribe(subject, {
      callback: (_error, message) => void heard.push({ subject: message.subject, text: message.string() }),
    });
    await connection.flush();
    return heard;
  }

  client(options?: NatsEngineOptions): NatsEngine {
    const client = new NatsEngine(this.#address, options);
    this.#clients.push(client);
    return client;
  }

  async hub({ models = [], wrap, replicas, confirmMs, ...times }: FakeHubOptions = {}): Promise<FakeHub> {
    const served = await serveEngine({
      tcp: { host: '127.0.0.1', port: 0 },
      model: 'fake',
      captionerModule: join(__dirname, '..', 'inference', 'fake-captioner.js'),
      aliases: new Map(models.map((name) => [name, name])),
      log: () => {},
      // A hub that was cut leaves a request behind, which would keep its engine.
      abandonedMs: 0,
    });
    const engine = new EngineClient({ kind: 'remote', url: new URL(served.url ?? '') });
    const address = { ...this.#address, ...defined({ replicas }) };
    const link = await openNats(address, 'hub of a test', defined({ confirmMs }));
    const log: string[] = [];
    const hub = new Hub({
      link,
      engine: wrap?.(engine) ?? engine,
      models: new Map([[undefined, undefined], ...models.map((name) => [name, name] as const)]),
      log: (line) => log.push(line),
      ...times,
    });
    try {
      await hub.start();
    } catch (error) {
      await Promise.all([link.connection.close(), engine.close(), served.close()]);
      throw error;
    }
    let isClosed = false;
    const fake: FakeHub = {
      engine,
      log,
      close: async () => {
        if (isClosed) return;
        isClosed = true;
        await hub.close();
        await engine.close();
        await served.close();
      },
      cut: () => link.connection.close(),
    };
    this.#hubs.push(fake);
    return fake;
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    await Promise.all(this.#hubs.map((hub) => hub.close()));
    await Promise.all(this.#listeners.map((listener) => listener.close()));
    await this.#server?.close();
  }
}

/** Gives each test of the suite its own server, and skips it where there is no nats-server. @returns the test's own */
export function useNatsFake(options?: TestNatsOptions): () => NatsFake {
  let fake: NatsFake | undefined;
  beforeEach(async function () {
    if (!hasNatsServer) this.skip();
    fake = await NatsFake.start(options);
  });
  afterEach(async () => {
    await fake?.close();
    fake = undefined;
  });
  return () => fake as NatsFake;
}
