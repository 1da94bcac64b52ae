import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { brokerAddress } from '../../../src/mqtt/transport/broker-address';
import type { ConnectionFailure } from '../../../src/mqtt/transport/connection-error';
import type { IncomingMessage } from '../../../src/mqtt/transport/mqtt-transport';
import { MqttJsTransport } from '../../../src/mqtt/transport/mqttjs-transport';
import { useCleanup } from '../../cleanup';
import { hasMosquitto, startAedes, startMosquitto, type TestBroker } from '../broker/test-broker';
import { Watcher } from '../broker/watcher';

const will = { topic: 'base/availability', payload: 'offline', qos: 1, retain: true } as const;

for (const { name, start, version, present } of [
  { name: 'the embedded broker, MQTT 3.1.1', start: () => startAedes(), version: 4, present: true },
  { name: 'Mosquitto, MQTT 3.1.1', start: startMosquitto, version: 4, present: hasMosquitto },
  { name: 'Mosquitto, MQTT 5', start: startMosquitto, version: 5, present: hasMosquitto },
] as const) {
  (present ? describe : describe.skip)(`MqttJsTransport with ${name}`, () => {
    let broker: TestBroker;
    let watcher: Watcher;
    let transport: MqttJsTransport;
    let connections: number;
    let failures: ConnectionFailure[];

    async function open(url = `mqtt://127.0.0.1:${broker.port}`): Promise<void> {
      connections = 0;
      failures = [];
      transport = new MqttJsTransport({
        broker: brokerAddress(url),
        protocolVersion: version,
        will,
        reconnectMs: 50,
        onFailure: (failure) => failures.push(failure),
      });
      transport.onConnected(() => {
        connections += 1;
      });
    }

    /** Resolves when the broker has the subscriptions of the present connection. */
    async function subscribed(): Promise<void> {
      await until(() => connections >= 1);
      await transport.publish({ topic: 'probe', payload: '', qos: 2, retain: false });
    }

    async function until(condition: () => boolean): Promise<void> {
      for (let waited = 0; !condition() && waited < 60_000; waited += 10) await delay(10);
      assert.ok(condition());
    }

    beforeEach(async () => {
      broker = await start();
      watcher = await Watcher.connect(broker.port, version);
      await open();
    });
    afterEach(async () => {
      await transport?.close();
      await watcher?.close();
      await broker?.close();
    });

    for (const qos of [0, 1, 2] as const) {
      it(`publishes and receives with QoS ${qos}`, async () => {
        const got: IncomingMessage[] = [];
        transport.subscribe('base/+/describe', qos, (message) => got.push(message));
        await subscribed();
        const payload = Buffer.from([0, 255, 1]);
        await watcher.publish('base/porch/describe', payload, { qos, retain: true });
        await until(() => got.length >= 1);
        assert.equal(got[0]?.retained, false, 'published after the subscription');
        assert.deepEqual(Buffer.from(got[0]?.payload ?? []), payload);
        assert.deepEqual(await transport.publish({ topic: 'base/x', payload, qos, retain: false }), {
          kind: 'sent',
        });
        assert.equal((await watcher.on('base/x')).packet.qos, qos);
      });
    }

    it('distinguishes retained messages from new ones', async () => {
      await watcher.publish('base/porch/describe', 'old', { retain: true });
      const got: IncomingMessage[] = [];
      transport.subscribe('base/+/describe', 1, (message) => got.push(message));
      await until(() => got.length >= 1);
      assert.equal(got[0]?.retained, true);
    });

    it('subscribes again, once, after the connection broke', async () => {
      const got: IncomingMessage[] = [];
      transport.subscribe('base/+/describe', 1, (message) => got.push(message));
      await until(() => connections >= 1);
      await broker.cut();
      await until(() => connections >= 2);
      await watcher.reconnected();
      await subscribed();
      const text = (message: IncomingMessage) => Buffer.from(message.payload).toString();
      await watcher.publish('base/porch/describe', 'now');
      await watcher.publish('base/porch/describe', 'later');
      await until(() => got.some((message) => text(message) === 'later'));
      assert.deepEqual(got.map(text), ['now', 'later']);
    });

    it('says that a message did not go out while there is no connection', async () => {
      await until(() => connections >= 1);
      await broker.close();
      await until(() => !transport.connected);
      const message = { topic: 'base/x', payload: 'x', qos: 0, retain: false } as const;
      assert.deepEqual(await transport.publish(message), { kind: 'unsent' });
      broker = await start();
    });

    it('sends its last message before it closes, and closes without a will', async () => {
      await until(() => connections >= 1);
      void transport.publish({ topic: 'base/bye', payload: 'bye', qos: 1, retain: false });
      await transport.close();
      await watcher.on('base/bye');
      await delay(50);
      assert.deepEqual(watcher.texts('base/availability'), []);
    });
  });
}

describe('MqttJsTransport', () => {
  const cleanup = useCleanup();
  function open(url: string, protocolVersion: 4 | 5 = 4) {
    const failures: ConnectionFailure[] = [];
    const transport = new MqttJsTransport({
      ...{ broker: brokerAddress(url), will, protocolVersion, reconnectMs: 20 },
      onFailure: (failure) => failures.push(failure),
    });
    cleanup(() => transport.close());
    const failed = async (): Promise<readonly [string, boolean]> => {
      for (let waited = 0; failures.length === 0 && waited < 60_000; waited += 10) await delay(10);
      const { error, permanent } = failures[0] ?? assert.fail('no failure was reported');
      return [error.code, permanent];
    };
    return { transport, failed, failures };
  }

  it('reports a broker that does not answer, tries it again, and can be closed', async () => {
    const { transport, failed, failures } = open('mqtt://127.0.0.1:9');
    assert.deepEqual(await failed(), ['mqtt-broker-unreachable', false]);
    assert.match(failures[0]?.error.message ?? '', /127\.0\.0\.1:9 .*ECONNREFUSED/);
    assert.equal(transport.connected, false);
    await transport.close();
  });

  it('reports a refused login, and that it stays refused', async () => {
    const broker = await startAedes({ admit: () => false });
    cleanup(() => broker.close());
    const { failed } = open(`mqtt://me:wrong@127.0.0.1:${broker.port}`);
    assert.deepEqual(await failed(), ['mqtt-broker-login', true]);
  });

  it('reports a broker that speaks MQTT 3.1.1 only', async () => {
    const broker = await startAedes();
    cleanup(() => broker.close());
    const { failed, failures } = open(`mqtt://127.0.0.1:${broker.port}`, 5);
    assert.deepEqual(await failed(), ['mqtt-broker-version', true]);
    assert.match(failures[0]?.error.hint ?? '', /--mqtt-version 4/);
  });

  it('reports a server that does not speak MQTT', async () => {
    const server = createServer((_request, response) => response.end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanup(() => server.close());
    const { failed } = open(`mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`);
    assert.deepEqual(await failed(), ['mqtt-broker-protocol', true]);
  });

  it('reports no failure for a connection that breaks while it is closed', async () => {
    const accepted = Buffer.from([0x20, 2, 0, 0]);
    const [connect, disconnect] = [0x10, 0xe0];
    const server = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', ([packet]) => {
        if (packet === connect) socket.write(accepted);
        if (packet === disconnect) socket.resetAndDestroy();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanup(() => server.close());
    const { transport, failures } = open(`mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await new Promise<void>((resolve) => transport.onConnected(resolve));
    await transport.close();
    assert.deepEqual(failures, []);
  });

  it('reports a host name that does not exist', async () => {
    const { failed } = open('mqtt://broker.invalid');
    assert.equal((await failed())[0], 'mqtt-broker-address');
  });

  it('gives the user and password of the address, or another password', async () => {
    const users: string[] = [];
    const admit = (user: string, password: string): boolean => {
      users.push(`${user} ${password}`);
      return true;
    };
    const broker = await startAedes({ admit });
    cleanup(() => broker.close());
    for (const password of [undefined, 'from a file']) {
      const address = brokerAddress(`mqtt://me%40home:p%3Aw@127.0.0.1:${broker.port}`);
      const transport = new MqttJsTransport({
        ...{ will, protocolVersion: 4 },
        broker: { ...address, ...(password !== undefined && { password }) },
      });
      cleanup(() => transport.close());
      await new Promise<void>((resolve) => transport.onConnected(resolve));
    }
    assert.deepEqual(users, ['me@home p:w', 'me@home from a file']);
  });
});
