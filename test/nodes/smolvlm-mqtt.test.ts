import assert from 'node:assert/strict';
import type { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeMessage } from 'node-red';
import helper from 'node-red-node-test-helper';
import engineNode from '../../nodes/smolvlm-engine/smolvlm-engine';
import mqttNode from '../../nodes/smolvlm-mqtt/smolvlm-mqtt';
import type { ServedEngine } from '../../src/server/serve-engine';
import { demoFrame } from '../fixtures';
import { noisePicture, servePicture } from '../mqtt/picture-server';
import { hasMosquitto, startAedes, startMosquitto, type TestBroker } from '../mqtt/test-broker';
import { Watcher } from '../mqtt/watcher';
import { serveFake } from '../server/served-fake';

helper.init(require.resolve('node-red'));

type Received = NodeMessage & {
  topic?: string;
  camera?: string;
  caption?: Record<string, unknown>;
  picture?: Buffer;
  error?: { code?: string; message: string };
};

const street = readFileSync(demoFrame('frame_09_street_day.jpg'));
const load = createRequire(__filename);
const types = [
  engineNode,
  mqttNode,
  load('@node-red/nodes/core/network/10-mqtt.js'),
  load('@node-red/nodes/core/common/25-catch.js'),
] as never;

const brokers = [
  { name: 'the embedded broker, MQTT 3.1.1', start: () => startAedes(), version: 4, present: true },
  { name: 'Mosquitto, MQTT 3.1.1', start: startMosquitto, version: 4, present: hasMosquitto },
  { name: 'Mosquitto, MQTT 5', start: startMosquitto, version: 5, present: hasMosquitto },
] as const;

describe('smolvlm-mqtt', function () {
  this.timeout(120_000);
  let engine: ServedEngine;
  before(async () => {
    engine = await serveFake();
    await new Promise<void>((resolve) => helper.startServer(resolve));
    // Core's default is 5 s; the flow's nodes read it when they are made.
    helper.settings({ mqttReconnectTime: 100 } as never);
  });
  after(async () => {
    helper.settings({});
    await new Promise<void>((resolve) => helper.stopServer(() => resolve()));
    await engine.close();
  });

  for (const { name, start, version, present } of brokers) {
    (present ? describe : describe.skip)(`with ${name}`, () => {
      let broker: TestBroker;
      let watcher: Watcher;
      let received: { captions: Received[]; dropped: Received[]; errors: Received[] };
      let statuses: string[];
      let warnings: unknown[];

      async function loadFlow(
        dialog: object = {},
        brokerDialog: object = {},
        more: object[] = [],
      ): Promise<void> {
        const flow = [
          { id: 'tab', type: 'tab' },
          {
            id: 'b',
            type: 'mqtt-broker',
            broker: '127.0.0.1',
            port: String(broker.port),
            protocolVersion: String(version),
            keepalive: '60',
            cleansession: true,
            ...brokerDialog,
          },
          { id: 'e', type: 'smolvlm-engine', location: 'remote', url: engine.url },
          ...more,
          {
            id: 'm',
            x: 1,
            y: 1,
            z: 'tab',
            type: 'smolvlm-mqtt',
            broker: 'b',
            engine: 'e',
            ...dialog,
            wires: [['ok'], ['no']],
          },
          { id: 'ok', x: 1, y: 1, z: 'tab', type: 'helper' },
          { id: 'no', x: 1, y: 1, z: 'tab', type: 'helper' },
          { id: 'failures', x: 1, y: 1, z: 'tab', type: 'catch', scope: ['m'], wires: [['bad']] },
          { id: 'bad', x: 1, y: 1, z: 'tab', type: 'helper' },
        ];
        await helper.load(types, flow as never);
        received = { captions: [], dropped: [], errors: [] };
        statuses = [];
        warnings = [];
        const collect = (id: string, into: Received[]): void => {
          helper.getNode(id).on('input', (message) => void into.push(message as Received));
        };
        collect('ok', received.captions);
        collect('no', received.dropped);
        collect('bad', received.errors);
        const events = helper.getNode('m') as unknown as EventEmitter;
        events.on('call:status', ({ firstArg }) => void statuses.push(firstArg.text ?? ''));
        events.on('call:warn', ({ firstArg }) => void warnings.push(firstArg));
      }

      async function until(condition: () => boolean, what: string): Promise<void> {
        for (let waited = 0; !condition() && waited < 60_000; waited += 10) await delay(10);
        assert.ok(condition(), what);
      }

      beforeEach(async () => {
        broker = await start();
        watcher = await Watcher.connect(broker.port, version);
      });
      afterEach(async () => {
        await helper.unload();
        await watcher.close();
        await broker.close();
      });

      for (const qos of [0, 1] as const) {
        it(`describes a picture published with QoS ${qos}, and the broker keeps the answer`, async () => {
          await loadFlow({ qos: String(qos), prompt: 'What is at the {{camera}}?' });
          await watcher.on('smolvlm/availability', (text) => text === 'online');
          await watcher.publish('smolvlm/porch/describe', street, { qos });
          const caption = await watcher.on('smolvlm/porch/caption');
          assert.equal(caption.text, `1 of ${street.length} bytes: What is at the porch?`);
          assert.equal(caption.packet.qos, qos);
          await until(() => received.captions.length >= 1, 'the caption leaves by the first output');
          const [message] = received.captions;
          assert.deepEqual(
            [message?.payload, message?.topic, message?.caption?.camera],
            [caption.text, 'porch', 'porch'],
          );
          assert.deepEqual(message?.picture, street);
          const later = await Watcher.connect(broker.port, version, ['smolvlm/#']);
          const attributes = JSON.parse((await later.on('smolvlm/porch/attributes')).text);
          assert.deepEqual([attributes.text, attributes.model], [caption.text, 'fake']);
          assert.deepEqual((await later.on('smolvlm/porch/picture')).payload, street);
          assert.equal((await later.on('smolvlm/porch/caption')).packet.retain, true);
          await later.close();
        });
      }

      it('announces a listed camera to Home Assistant at once, and another with its first caption', async () => {
        await loadFlow({ cameras: [{ name: 'porch', title: 'Front porch' }] });
        const found = await watcher.on('homeassistant/device/smolvlm-porch/config');
        assert.equal(JSON.parse(found.text).device.name, 'Front porch');
        assert.ok(!watcher.seen.some(({ topic }) => topic.includes('hall')));
        await watcher.publish('smolvlm/hall/describe', street);
        const hall = JSON.parse((await watcher.on('homeassistant/device/smolvlm-hall/config')).text);
        await watcher.on('smolvlm/hall/caption');
        const before = watcher.seen.length;
        await watcher.publish(hall.components.describe.command_topic, hall.components.describe.payload_press);
        await watcher.on(hall.components.caption.state_topic, () => true, before);
      });

      it('publishes offline when the flow stops, and removes its cameras when it is deleted', async () => {
        await loadFlow({ cameras: [{ name: 'porch' }] });
        await watcher.on('homeassistant/device/smolvlm-porch/config');
        await helper.unload();
        await watcher.on('smolvlm/availability', (text) => text === 'offline');
        assert.ok(!watcher.texts('homeassistant/device/smolvlm-porch/config').includes(''));
        await loadFlow({ cameras: [{ name: 'porch' }] });
        const before = watcher.seen.length;
        await watcher.on('smolvlm/availability', (text) => text === 'online', before - 1);
        await (helper.getNode('m') as unknown as { close(removed: boolean): Promise<void> }).close(true);
        await watcher.on('homeassistant/device/smolvlm-porch/config', (text) => text === '');
      });

      it('has the broker publish offline when the connection breaks, and comes back by itself', async () => {
        await loadFlow({ cameras: [{ name: 'porch' }] });
        await watcher.on('smolvlm/availability', (text) => text === 'online');
        const { client } = helper.getNode('b') as unknown as { client: { stream: { destroy(): void } } };
        client.stream.destroy();
        await watcher.on('smolvlm/availability', (text) => text === 'offline');
        const before = watcher.seen.length;
        await watcher.on('smolvlm/availability', (text) => text === 'online', before - 1);
        assert.deepEqual(warnings, []);
        await watcher.publish('smolvlm/porch/describe', street);
        await watcher.on('smolvlm/porch/caption');
      });

      it('publishes online again when the broker publishes offline late, for an earlier connection', async () => {
        await loadFlow();
        await watcher.on('smolvlm/availability', (text) => text === 'online');
        await watcher.publish('smolvlm/availability', 'offline', { retain: true });
        const late = await watcher.on('smolvlm/availability', (text) => text === 'offline');
        await watcher.on('smolvlm/availability', (text) => text === 'online', watcher.seen.indexOf(late));
        const later = await Watcher.connect(broker.port, version, ['smolvlm/availability']);
        assert.equal((await later.on('smolvlm/availability')).text, 'online');
        await later.close();
      });

      it('continues after a restart of the broker, and announces its cameras again', async () => {
        await loadFlow({ cameras: [{ name: 'porch' }] });
        await watcher.on('homeassistant/device/smolvlm-porch/config');
        await watcher.on('smolvlm/availability', (text) => text === 'online');
        const { length } = watcher.seen;
        await broker.cut();
        await until(
          // Short changes in between are not shown.
          () => statuses.at(-1)?.endsWith('.connected') === true,
          statuses.join(' | '),
        );
        await watcher.reconnected();
        // The node subscribes before it publishes this.
        await watcher.on('smolvlm/availability', (text) => text === 'online', length);
        await watcher.client.subscribeAsync('#', { qos: 1 });
        const before = watcher.seen.length;
        const later = await Watcher.connect(broker.port, version, ['homeassistant/#']);
        await later.on('homeassistant/device/smolvlm-porch/config');
        await later.close();
        await watcher.publish('smolvlm/porch/describe', street);
        await watcher.on('smolvlm/porch/caption', () => true, before);
        assert.equal(watcher.texts('smolvlm/porch/caption').length, 1, 'subscribed once');
      });

      it('keeps a retained picture, and describes it on request', async () => {
        await watcher.publish('smolvlm/porch/describe', street, { retain: true });
        await loadFlow();
        await watcher.on('smolvlm/availability', (text) => text === 'online');
        const client = await Watcher.connect(broker.port, version, ['smolvlm/porch/caption']);
        await client.publish('smolvlm/porch/describe', 'Is it night?');
        const { text } = await client.on('smolvlm/porch/caption');
        assert.equal(text, `1 of ${street.length} bytes: Is it night?`);
        assert.equal(client.texts('smolvlm/porch/caption').length, 1);
        await client.close();
      });

      it('drops a request that is replaced while it waits', async () => {
        await loadFlow();
        await watcher.on('smolvlm/availability', (text) => text === 'online');
        for (let id = 0; id < 6; id++) {
          const picture = street.toString('base64');
          await watcher.publish('smolvlm/porch/describe', { picture, prompt: `slow 300`, id: String(id) });
        }
        await until(
          () => received.captions.length === 2 && received.dropped.length === 4,
          'two captions, four drops',
        );
        assert.deepEqual(
          received.captions.map(({ caption }) => caption?.id),
          ['0', '5'],
        );
        const { dropped, id, camera } = received.dropped[0]?.caption ?? {};
        assert.deepEqual([dropped, id, camera], ['superseded', '1', 'porch']);
        await until(
          () => statuses.some((text) => /status\.(vision|answered|dropped)/.test(text)),
          statuses.join(' | '),
        );
        assert.equal(watcher.texts('smolvlm/porch/dropped').length, 4);
      });

      it('passes errors to Catch and to the error topic', async () => {
        await loadFlow();
        await watcher.on('smolvlm/availability', (text) => text === 'online');
        await watcher.publish('smolvlm/porch/describe', {
          picture: street.toString('base64'),
          prompt: 'fail',
        });
        const { error } = JSON.parse((await watcher.on('smolvlm/porch/error')).text);
        assert.equal(error.code, 'image-truncated');
        await until(() => received.errors.length >= 1, 'Catch receives it');
        assert.equal(received.errors[0]?.error?.code, 'image-truncated');
        await until(
          () =>
            statuses.at(-1)?.endsWith('trouble.noPicture') === true ||
            statuses.at(-1)?.endsWith('trouble.pictureDamaged') === true,
          statuses.join(' | '),
        );
      });

      it('describes snapshots that Frigate publishes', async () => {
        await loadFlow({ frigate: true, frigateLabels: 'person', prompt: 'Who is this {{label}}?' });
        await watcher.on('smolvlm/availability', (text) => text === 'online');
        await watcher.publish('frigate/hall/person/snapshot', street);
        assert.equal(
          (await watcher.on('smolvlm/hall/caption')).text,
          `1 of ${street.length} bytes: Who is this person?`,
        );
      });

      it('shares the connection of other nodes, and warns when it cannot set the will', async () => {
        const other = {
          id: 'in',
          x: 1,
          y: 1,
          z: 'tab',
          type: 'mqtt in',
          topic: 'smolvlm/#',
          qos: '1',
          broker: 'b',
          wires: [[]],
        };
        await loadFlow({}, { willTopic: 'flows/gone', willPayload: 'yes', willQos: '0' }, [other]);
        await watcher.on('smolvlm/availability', (text) => text === 'online');
        const warned = helper
          .log()
          .args.flat()
          .filter((entry) => entry?.level === 30);
        assert.ok(
          warned.some((entry) => /warning\.will|smolvlm\/availability/.test(String(entry.msg))),
          'warns of the will',
        );
        await watcher.publish('smolvlm/porch/describe', street);
        await watcher.on('smolvlm/porch/caption');
        await delay(50);
        assert.equal(watcher.texts('smolvlm/porch/caption').length, 1, 'described once');
      });

      if (version === 5) {
        it('answers on the response topic with the correlation data, and does not change the state', async () => {
          await loadFlow();
          await watcher.on('smolvlm/availability', (text) => text === 'online');
          const correlationData = Buffer.from([0, 1, 254, 255]);
          await watcher.publish('smolvlm/porch/describe', street, {
            properties: { responseTopic: 'answers/me', correlationData },
          });
          const { text, packet } = await watcher.on('answers/me');
          assert.equal(JSON.parse(text).text, `1 of ${street.length} bytes: Describe this image.`);
          assert.deepEqual(Buffer.from(packet.properties?.correlationData ?? []), correlationData);
          assert.equal(packet.properties?.contentType, 'application/json');
          assert.equal(packet.retain, false);
          await delay(50);
          assert.deepEqual(watcher.texts('smolvlm/porch/caption'), []);
        });
      }
    });
  }

  for (const version of [4, 5] as const) {
    (hasMosquitto ? it : it.skip)(
      `keeps a shared connection whose broker does not take a picture, MQTT ${version} (needs Mosquitto)`,
      async () => {
        const broker = await startMosquitto('max_packet_size 200000');
        const camera = await servePicture(await noisePicture(700));
        const watcher = await Watcher.connect(broker.port, version);
        await helper.load(types, [
          { id: 'tab', type: 'tab' },
          {
            ...{ id: 'b', type: 'mqtt-broker', broker: '127.0.0.1', port: String(broker.port) },
            protocolVersion: String(version),
          },
          { id: 'e', type: 'smolvlm-engine', location: 'remote', url: engine.url },
          {
            ...{
              id: 'm',
              x: 1,
              y: 1,
              z: 'tab',
              type: 'smolvlm-mqtt',
              broker: 'b',
              engine: 'e',
              wires: [[], []],
            },
            cameras: [
              { name: 'porch', snapshot: camera.url.href },
              { name: 'street', snapshot: camera.url.href },
            ],
          },
          { id: 'out', x: 1, y: 1, z: 'tab', type: 'mqtt out', topic: 'flows/other', qos: '1', broker: 'b' },
          { id: 'failures', x: 1, y: 1, z: 'tab', type: 'catch', scope: ['m'], wires: [['bad']] },
          { id: 'bad', x: 1, y: 1, z: 'tab', type: 'helper' },
        ] as never);
        const caught: Received[] = [];
        helper.getNode('bad').on('input', (message) => void caught.push(message as Received));
        await watcher.on('smolvlm/availability', (text) => text === 'online');
        await watcher.publish('smolvlm/porch/describe', 'PRESS');
        await watcher.on('smolvlm/porch/caption');
        const { payload } = await watcher.on('smolvlm/porch/picture');
        assert.ok(payload.length < 200_000, `${payload.length} bytes`);
        const { length } = watcher.seen;
        await watcher.publish('smolvlm/street/describe', 'PRESS');
        await watcher.on('smolvlm/street/picture', undefined, length);
        helper.getNode('out').receive({ payload: 'of another flow' });
        await watcher.on('flows/other');
        const breaks = watcher.texts('smolvlm/availability').filter((text) => text === 'offline');
        assert.equal(breaks.length, version === 5 ? 0 : 1);
        assert.equal(caught[0]?.error?.code, 'mqtt-picture-too-large');
        await helper.unload();
        await watcher.close();
        await camera.close();
        await broker.close();
      },
    );
  }

  it('passes to Catch what keeps it from starting and why the broker refuses the connection', async () => {
    const broker = await startAedes({ admit: () => false });
    const flow = (node: object) => [
      { id: 'tab', type: 'tab' },
      { id: 'failures', x: 1, y: 1, z: 'tab', type: 'catch', scope: ['m'], wires: [['bad']] },
      { id: 'bad', x: 1, y: 1, z: 'tab', type: 'helper' },
      { id: 'e', type: 'smolvlm-engine', location: 'remote', url: engine.url },
      { id: 'b', type: 'mqtt-broker', broker: '127.0.0.1', port: String(broker.port), protocolVersion: '4' },
      {
        id: 'm',
        x: 1,
        y: 1,
        z: 'tab',
        type: 'smolvlm-mqtt',
        engine: 'e',
        broker: 'b',
        wires: [[], []],
        ...node,
      },
    ];
    for (const [node, code] of [
      [{ cameras: [{ name: 'a/b' }] }, 'mqtt-camera-name'],
      [{ broker: '' }, 'node-no-broker'],
      [{}, 'mqtt-broker-login'],
    ] as const) {
      const caught: Received[] = [];
      const loaded = helper.load(types, flow(node) as never);
      const collect = (): void => {
        helper.getNode('bad')?.on('input', (message) => void caught.push(message as Received));
      };
      await loaded;
      collect();
      for (let waited = 0; caught.length === 0 && waited < 60_000; waited += 10) await delay(10);
      assert.deepEqual(
        caught.map(({ error }) => error?.code),
        [code],
      );
      await helper.unload();
    }
    await broker.close();
  });

  it('subscribes before it publishes online again, also when its first online was never acknowledged', async () => {
    let held = true;
    const arrived: string[] = [];
    const broker = await startAedes({
      holds: (topic) => held && topic === 'smolvlm/availability',
      onArrival: (kind, topic) => arrived.push(`${kind} ${topic}`),
    });
    const subscription = 'subscribe smolvlm/+/describe';
    const online = 'publish smolvlm/availability';
    const onlineAfter = async (start: number): Promise<void> => {
      for (let waited = 0; !arrived.slice(start).includes(online) && waited < 60_000; waited += 10) {
        await delay(10);
      }
    };
    await helper.load(types, [
      { id: 'b', type: 'mqtt-broker', broker: '127.0.0.1', port: String(broker.port), protocolVersion: '4' },
      { id: 'e', type: 'smolvlm-engine', location: 'remote', url: engine.url },
      { id: 'm', type: 'smolvlm-mqtt', broker: 'b', engine: 'e', wires: [[], []] },
    ] as never);
    await onlineAfter(0);
    const { length } = arrived;
    held = false;
    await broker.cut();
    // The broker itself publishes the will, offline, when the connection ends.
    await onlineAfter(length + 1);
    const second = arrived.slice(length + 1);
    assert.ok(second.includes(subscription), second.join(', '));
    assert.ok(second.indexOf(subscription) < second.indexOf(online), second.join(', '));
    await helper.unload();
    await broker.close();
  });

  it('says that no engine or broker is chosen, or that a setting is invalid', async () => {
    const flow = (more: object) => [
      { id: 'e', type: 'smolvlm-engine', location: 'remote', url: engine.url },
      { id: 'b', type: 'mqtt-broker', broker: '127.0.0.1', port: '1', autoConnect: false },
      { id: 'm', type: 'smolvlm-mqtt', engine: 'e', broker: 'b', wires: [[], []], ...more },
    ];
    for (const [more, code] of [
      [{ engine: '' }, 'node-no-engine'],
      [{ broker: '' }, 'node-no-broker'],
      [{ base: 'a/+' }, 'mqtt-topic'],
      [{ cameras: [{ name: 'a/b' }] }, 'mqtt-camera-name'],
      [{ cameras: [{ name: 'a' }, { name: 'a' }] }, 'mqtt-cameras'],
      [{ cameras: [{ name: 'a', snapshot: 'file:///etc/passwd' }] }, 'mqtt-address'],
    ] as const) {
      await helper.load(types, flow(more) as never);
      const errors = helper
        .log()
        .args.flat()
        .filter((entry) => entry?.level === 20);
      assert.deepEqual(
        errors.map((entry) => entry.msg.code ?? entry.msg),
        [code],
      );
      await helper.unload();
    }
  });
});
