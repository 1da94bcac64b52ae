import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { ImageChildren } from '../../../src/client/children/image-children';
import type { SmolvlmError } from '../../../src/errors';
import { DescribeService } from '../../../src/mqtt/describe-service';
import type { ServiceSettings } from '../../../src/mqtt/service-settings';
import { brokerAddress } from '../../../src/mqtt/transport/broker-address';
import { MqttJsTransport } from '../../../src/mqtt/transport/mqttjs-transport';
import { fillPrompt } from '../../../src/template/prompt-template';
import { useCleanup } from '../../cleanup';
import { FakeEngine } from '../fake-engine';
import { noisePicture, type PictureServer, servePicture } from '../picture-server';
import { hasMosquitto, startAedes, startMosquitto, type TestBroker } from './test-broker';
import { Watcher } from './watcher';

describe('MQTT service with pictures that a broker refuses', function () {
  const cleanup = useCleanup();
  this.timeout(30_000);
  let broker: TestBroker;
  let watcher: Watcher;
  let service: DescribeService;
  let connections: number;
  let troubles: SmolvlmError[];
  let large: Buffer;
  let camera: PictureServer;
  /** As the service's own, but for all tests. */
  const images = new ImageChildren();

  before(async () => {
    large = await noisePicture(700);
    camera = await servePicture(large);
  });
  after(async () => {
    images.close();
    await camera.close();
  });

  async function start(version: 4 | 5, settings: Partial<ServiceSettings> = {}): Promise<void> {
    watcher = await Watcher.connect(broker.port, version);
    connections = 0;
    troubles = [];
    const will = { topic: 'smolvlm/availability', payload: 'offline', qos: 1, retain: true } as const;
    const transport = new MqttJsTransport({
      ...{ will, protocolVersion: version, reconnectMs: 50 },
      broker: brokerAddress(`mqtt://127.0.0.1:${broker.port}`),
    });
    transport.onConnected(() => {
      connections += 1;
    });
    service = new DescribeService({
      ...{ transport, engine: new FakeEngine(), version: '1.2.3', fillPrompt },
      settings: {
        ...{ base: 'smolvlm', qos: 1, prompt: 'What is there?', defaults: {} },
        cameras: [
          { name: 'porch', snapshot: camera.url },
          { name: 'street', snapshot: camera.url },
        ],
        ...{ allowAddresses: true, publishPicture: true },
        ...settings,
      },
      prepare: (bytes, options) => images.prepare(bytes, options),
      onTrouble: (error) => troubles.push(error),
    });
    service.start();
    await watcher.on('smolvlm/availability', (text) => text === 'online');
  }

  async function noteOf(name: string, note: string): Promise<void> {
    await watcher.on(`smolvlm/${name}/attributes`, (text) => JSON.parse(text).picture === note);
  }

  afterEach(async () => {
    await service?.close();
    await watcher?.close();
    await broker?.close();
  });

  for (const qos of [0, 1, 2] as const) {
    (hasMosquitto ? it : it.skip)(
      `makes a picture smaller for the limit that an MQTT 5 broker names, with QoS ${qos} (needs Mosquitto)`,
      async () => {
        broker = await startMosquitto('max_packet_size 100000');
        await start(5, { qos });
        await watcher.publish('smolvlm/porch/describe', 'PRESS');
        await watcher.on('smolvlm/porch/caption');
        await noteOf('porch', 'shrunk');
        const { payload } = await watcher.on('smolvlm/porch/picture');
        assert.ok(payload.length > 1_000 && payload.length < 100_000, `${payload.length} bytes`);
        assert.equal(connections, 1);
        assert.deepEqual(
          troubles.map(({ code }) => code),
          ['mqtt-picture-too-large'],
        );
        assert.match(troubles[0]?.message ?? '', /"porch".*smaller.*100000 bytes/);
      },
    );
  }

  (hasMosquitto ? it : it.skip)(
    'leaves a picture out that no size makes small enough, and says so (needs Mosquitto)',
    async () => {
      broker = await startMosquitto('max_packet_size 3000');
      await start(5);
      await watcher.publish('smolvlm/porch/describe', 'PRESS');
      await watcher.on('smolvlm/porch/caption');
      await noteOf('porch', 'omitted');
      assert.match(troubles[0]?.message ?? '', /is not published/);
      assert.equal(connections, 1);
    },
  );

  (hasMosquitto ? it : it.skip)(
    'survives a limit that an MQTT 3.1.1 broker does not name: one new connection, no lost caption (needs Mosquitto)',
    async () => {
      broker = await startMosquitto('max_packet_size 200000');
      await start(4);
      await watcher.publish('smolvlm/porch/describe', 'PRESS');
      await watcher.on('smolvlm/porch/caption');
      await noteOf('porch', 'shrunk');
      const { payload } = await watcher.on('smolvlm/porch/picture');
      assert.ok(payload.length < 131_072, `${payload.length} bytes`);
      assert.equal(connections, 2, 'one break');
      assert.match(troubles[0]?.message ?? '', /"porch".*smaller/);
      for (let count = 2; count < 5; count++) {
        const { length } = watcher.seen;
        await watcher.publish('smolvlm/street/describe', 'PRESS');
        await watcher.on('smolvlm/street/caption', undefined, length);
        await watcher.on('smolvlm/street/picture', undefined, length);
      }
      assert.equal(connections, 2, 'the limit is learned for all cameras');
    },
  );

  (hasMosquitto ? it : it.skip)(
    'publishes a refused picture smaller, though MQTT.js cannot read the refusal (needs Mosquitto)',
    async () => {
      broker = await startMosquitto('message_size_limit 200000');
      await start(5);
      await watcher.publish('smolvlm/porch/describe', 'PRESS');
      await noteOf('porch', 'shrunk');
      const { payload } = await watcher.on('smolvlm/porch/picture');
      assert.ok(payload.length < 131_072, `${payload.length} bytes`);
      assert.equal(connections, 2);
    },
  );

  it('gives a topic up on which the broker closes the connection each time', async () => {
    const refused = new Set<string>();
    broker = await startAedes({
      takes: (topic, client) => {
        if (topic !== 'smolvlm/porch/attributes') return true;
        refused.add(client);
        return false;
      },
    });
    await start(4);
    for (let count = 0; count < 4; count++) {
      const { length } = watcher.seen;
      await watcher.publish('smolvlm/porch/describe', `Question ${count}?`);
      await watcher.publish('smolvlm/street/describe', 'PRESS');
      await watcher.on('smolvlm/porch/caption', (text) => text.includes(`Question ${count}?`), length);
      await watcher.on('smolvlm/street/caption', undefined, length);
    }
    assert.equal(connections, 5, 'two messages, each sent twice, then no more');
    assert.deepEqual(
      troubles.map(({ code, message }) => [code, /smolvlm\/porch\/attributes/.test(message)]),
      [['mqtt-refused', true]],
    );
  });

  it('does not take a broker that is away for one that refuses a picture', async () => {
    let takesPictures = false;
    const takes = (topic: string): boolean => takesPictures || !topic.endsWith('/picture');
    broker = await startAedes({ takes });
    const { port } = broker;
    await start(4);
    await watcher.publish('smolvlm/porch/describe', 'PRESS');
    await watcher.on('smolvlm/porch/caption');
    // The connection ends when the picture is sent, and the next attempts to connect fail.
    await broker.close();
    await refusedConnections(port, 2);
    takesPictures = true;
    broker = await startAedes({ port, takes });
    const later = await Watcher.connect(port, 4);
    cleanup(() => later.close());
    const { payload } = await later.on('smolvlm/porch/picture');
    assert.deepEqual(payload, large, 'as it came');
    await later.on('smolvlm/porch/caption');
    assert.deepEqual(troubles, []);
  });

  for (const [name, version, begin, present] of [
    ['Mosquitto, MQTT 3.1.1', 4, () => startMosquitto(), hasMosquitto],
    ['Mosquitto, MQTT 5', 5, () => startMosquitto(), hasMosquitto],
  ] as const) {
    (present ? it : it.skip)(
      `gives caption, attributes and picture to a restarted broker without persistence: ${name}`,
      async () => {
        broker = await begin();
        await start(version);
        await watcher.publish('smolvlm/porch/describe', 'PRESS');
        await watcher.on('smolvlm/porch/picture');
        await broker.cut();
        const later = await Watcher.connect(broker.port, version);
        cleanup(() => later.close());
        const caption = await later.on('smolvlm/porch/caption');
        assert.equal(caption.text, 'answer to: What is there?');
        assert.deepEqual((await later.on('smolvlm/porch/picture')).payload, large);
        assert.equal(JSON.parse((await later.on('smolvlm/porch/attributes')).text).camera, 'porch');
      },
    );
  }

  it('publishes nothing again when only the connection broke', async () => {
    broker = await startAedes();
    await start(4);
    await watcher.publish('smolvlm/porch/describe', 'PRESS');
    await watcher.on('smolvlm/porch/picture');
    const { length } = watcher.seen;
    await broker.cut();
    await watcher.on('smolvlm/availability', (text) => text === 'online', length);
    await watcher.reconnected();
    await watcher.publish('smolvlm/street/describe', 'PRESS');
    await watcher.on('smolvlm/street/picture', undefined, length);
    const again = watcher.seen
      .slice(length)
      .filter(({ topic, packet }) => /porch\/(caption|picture)/.test(topic) && !packet.retain);
    assert.deepEqual(
      again.map(({ topic }) => topic),
      [],
    );
  });
});

/** Resolves when a port has refused so many connections. */
async function refusedConnections(port: number, count: number): Promise<void> {
  const server = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1');
  for (let refused = 0; refused < count; refused++) await once(server, 'connection');
  await new Promise((resolve) => server.close(resolve));
}
