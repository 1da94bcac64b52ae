import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { IncomingMessage } from '../../../src/mqtt/transport/mqtt-transport';
import { brokerAddress, MqttJsTransport, matchesFilter } from '../../../src/mqtt/transport/mqttjs-transport';
import { hasMosquitto, startAedes, startMosquitto, type TestBroker } from '../test-broker';
import { Watcher } from '../watcher';

const will = { topic: 'base/availability', payload: 'offline', qos: 1, retain: true } as const;

describe('matchesFilter', () => {
  for (const [filter, topic, expected] of [
    ['a/+/c', 'a/b/c', true],
    ['a/+/c', 'a/b/d', false],
    ['a/+/c', 'a/b', false],
    ['a/+', 'a/b/c', false],
    ['a/#', 'a/b/c', true],
    ['a/#', 'a', true],
    ['a/+/#', 'a', false],
    ['#', 'a/b', true],
    ['a/b', 'a/b', true],
    ['a', 'ab', false],
  ] as const) {
    it(`${filter} ${expected ? 'fits' : 'does not fit'} ${topic}`, () => {
      assert.equal(matchesFilter(filter, topic), expected);
    });
  }
});

describe('brokerAddress', () => {
  it('takes mqtt, mqtts, ws and wss, and nothing else', () => {
    for (const text of ['mqtt://hub', 'mqtts://me:secret@hub:8883', 'ws://hub/mqtt', 'wss://hub']) {
      assert.equal(brokerAddress(text).hostname, 'hub');
    }
    for (const text of ['hub', 'http://hub', 'mqtt://', '']) {
      assert.throws(() => brokerAddress(text), { code: 'mqtt-broker-address' });
    }
  });
});

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
    let troubles: string[];

    async function open(url = `mqtt://127.0.0.1:${broker.port}`): Promise<void> {
      connections = 0;
      troubles = [];
      transport = new MqttJsTransport({
        url: new URL(url),
        protocolVersion: version,
        will,
        reconnectMs: 50,
        onTrouble: (reason) => troubles.push(reason),
      });
      transport.onConnected(() => {
        connections += 1;
      });
    }

    async function until(condition: () => boolean): Promise<void> {
      for (let waited = 0; !condition() && waited < 8_000; waited += 10) await delay(10);
      assert.ok(condition());
    }

    beforeEach(async () => {
      broker = await start();
      watcher = await Watcher.connect(broker.port, version);
      await open();
    });
    afterEach(async () => {
      await transport.close();
      await watcher.close();
      await broker.close();
    });

    for (const qos of [0, 1, 2] as const) {
      it(`publishes and receives with QoS ${qos}`, async () => {
        const got: IncomingMessage[] = [];
        transport.subscribe('base/+/describe', qos, (message) => got.push(message));
        await until(() => connections === 1);
        await delay(50);
        const payload = Buffer.from([0, 255, 1]);
        await watcher.publish('base/porch/describe', payload, { qos, retain: true });
        await until(() => got.length === 1);
        assert.equal(got[0]?.retained, false, 'published after the subscription');
        assert.deepEqual(Buffer.from(got[0]?.payload ?? []), payload);
        assert.equal(await transport.publish({ topic: 'base/x', payload, qos, retain: false }), true);
        assert.equal((await watcher.on('base/x')).packet.qos, qos);
      });
    }

    it('tells what was retained before from what comes now', async () => {
      await watcher.publish('base/porch/describe', 'old', { retain: true });
      const got: IncomingMessage[] = [];
      transport.subscribe('base/+/describe', 1, (message) => got.push(message));
      await until(() => got.length === 1);
      assert.equal(got[0]?.retained, true);
    });

    it('subscribes again, once, after the connection broke', async () => {
      const got: IncomingMessage[] = [];
      transport.subscribe('base/+/describe', 1, (message) => got.push(message));
      await until(() => connections === 1);
      await broker.cut();
      await until(() => connections === 2);
      await watcher.reconnected();
      await delay(50);
      await watcher.publish('base/porch/describe', 'now');
      await until(() => got.length > 0);
      await delay(50);
      assert.equal(got.length, 1);
    });

    it('says that a message did not go out while there is no connection', async () => {
      await until(() => connections === 1);
      await broker.close();
      await until(() => !transport.connected);
      const message = { topic: 'base/x', payload: 'x', qos: 0, retain: false } as const;
      assert.equal(await transport.publish(message), false);
      broker = await start();
    });

    it('says what it published last before it closes, and leaves without a will', async () => {
      await until(() => connections === 1);
      void transport.publish({ topic: 'base/bye', payload: 'bye', qos: 1, retain: false });
      await transport.close();
      await watcher.on('base/bye');
      await delay(50);
      assert.deepEqual(watcher.texts('base/availability'), []);
    });
  });
}

describe('MqttJsTransport', () => {
  it('names a broker that does not answer, and closes all the same', async () => {
    const troubles: string[] = [];
    const url = new URL('mqtt://127.0.0.1:9');
    const transport = new MqttJsTransport({
      url,
      will,
      reconnectMs: 20,
      onTrouble: (reason) => troubles.push(reason),
    });
    for (let waited = 0; troubles.length === 0 && waited < 5_000; waited += 10) await delay(10);
    assert.match(troubles[0] ?? '', /ECONNREFUSED/);
    assert.equal(transport.connected, false);
    await transport.close();
  });

  it('gives the user and password of the address, or another password', async () => {
    const users: string[] = [];
    const admit = (user: string, password: string): boolean => {
      users.push(`${user} ${password}`);
      return true;
    };
    const broker = await startAedes({ admit });
    for (const password of [undefined, 'from a file']) {
      const url = new URL(`mqtt://me%40home:p%3Aw@127.0.0.1:${broker.port}`);
      const more = password === undefined ? {} : { password };
      const transport = new MqttJsTransport({ url, will, protocolVersion: 4, ...more });
      await new Promise<void>((resolve) => transport.onConnected(resolve));
      await transport.close();
    }
    await broker.close();
    assert.deepEqual(users, ['me@home p:w', 'me@home from a file']);
  });
});
