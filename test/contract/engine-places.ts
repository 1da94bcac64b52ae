import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { EngineApi } from '../../src/client/engine-api';
import { EngineClient, type EngineClientOptions } from '../../src/client/engine-client';
import { type ServedEngine, serveEngine } from '../../src/server/serve-engine';
import { LocalFake } from '../client/local-fake';
import { NatsFake } from '../nats/nats-fake';
import { hasNatsServer } from '../nats/test-server';

/** An engine of one kind and clients of it. */
export interface EnginePlace {
  client(options?: EngineClientOptions): EngineApi;
  close(): Promise<void>;
}

function localPlace(): EnginePlace {
  const fake = new LocalFake();
  return {
    client: (options) => fake.client({}, options),
    close: async () => assert.deepEqual(await fake.close(), []),
  };
}

async function remotePlace(): Promise<EnginePlace> {
  const token = 'a token of the contract suite'.replaceAll(' ', '-');
  const served: ServedEngine = await serveEngine({
    tcp: { host: '127.0.0.1', port: 0, token },
    model: 'fake',
    queueCapacity: 10,
    captionerModule: join(__dirname, '..', 'inference', 'fake-captioner.js'),
    log: () => {},
  });
  const clients: EngineClient[] = [];
  return {
    client: (options) => {
      const client = new EngineClient({ kind: 'remote', url: new URL(served.url ?? ''), token }, options);
      clients.push(client);
      return client;
    },
    close: async () => {
      await Promise.all(clients.map((client) => client.close()));
      await served.close();
    },
  };
}

async function natsPlace(): Promise<EnginePlace> {
  const fake = await NatsFake.start();
  await fake.hub({ models: ['missing'] });
  return { client: (options) => fake.client({ queueCapacity: 10, ...options }), close: () => fake.close() };
}

/** Each kind of engine that a client can have. The shared one needs a NATS server. */
export const enginePlaces: readonly (readonly [
  name: string,
  open: () => EnginePlace | Promise<EnginePlace>,
])[] = [
  ['local', localPlace],
  ['remote', remotePlace],
  ...(hasNatsServer ? [['shared', natsPlace] as const] : []),
];
