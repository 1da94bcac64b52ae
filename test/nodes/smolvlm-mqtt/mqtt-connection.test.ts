import assert from 'node:assert/strict';
import type { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import helper from 'node-red-node-test-helper';
import { useCleanup } from '../../cleanup';
import { hasMosquitto, startAedes, startMosquitto } from '../../mqtt/broker/test-broker';
import { Watcher } from '../../mqtt/broker/watcher';
import { noisePicture, servePicture } from '../../mqtt/picture-server';
import { type Received, street, types, useMqttNodes, withEachBroker } from './mqtt-flow';

describe('the connection of smolvlm-mqtt', function () {
  const cleanup = useCleanup();
  this.timeout(120_000);
  const engineUrl = useMqttNodes();

  withEachBroker(engineUrl, (mqtt) => {
    it('publishes offline when the flow stops, and removes its cameras when it is deleted', async () => {
      await mqtt.load({ cameras: [{ name: 'porch' }] });
      await mqtt.watcher.on('homeassistant/device/smolvlm-porch/config');
      await helper.unload();
      await mqtt.watcher.on('smolvlm/availability', (text) => text === 'offline');
      assert.ok(!mqtt.watcher.texts('homeassistant/device/smolvlm-porch/config').includes(''));
      const before = mqtt.watcher.seen.length;
      await mqtt.load({ cameras: [{ name: 'porch' }] });
      await mqtt.watcher.on('smolvlm/availability', (text) => text === 'online', before);
      await (helper.getNode('m') as unknown as { close(removed: boolean): Promise<void> }).close(true);
      await mqtt.watcher.on('homeassistant/device/smolvlm-porch/config', (text) => text === '');
    });

    it('has the broker publish offline when the connection breaks, and comes back by itself', async () => {
      await mqtt.load({ cameras: [{ name: 'porch' }] });
      await mqtt.watcher.on('smolvlm/availability', (text) => text === 'online');
      const { client } = helper.getNode('b') as unknown as { client: { stream: { destroy(): void } } };
      client.stream.destroy();
      const broken = await mqtt.watcher.on('smolvlm/availability', (text) => text === 'offline');
      const before = mqtt.watcher.seen.indexOf(broken);
      await mqtt.watcher.on('smolvlm/availability', (text) => text === 'online', before);
      assert.deepEqual(mqtt.warnings, []);
      await mqtt.watcher.publish('smolvlm/porch/describe', street);
      await mqtt.watcher.on('smolvlm/porch/caption');
    });

    it('publishes online again when the broker publishes offline late, for an earlier connection', async () => {
      await mqtt.load();
      await mqtt.watcher.on('smolvlm/availability', (text) => text === 'online');
      await mqtt.watcher.publish('smolvlm/availability', 'offline', { retain: true });
      const late = await mqtt.watcher.on('smolvlm/availability', (text) => text === 'offline');
      await mqtt.watcher.on(
        'smolvlm/availability',
        (text) => text === 'online',
        mqtt.watcher.seen.indexOf(late),
      );
      const later = await Watcher.connect(mqtt.broker.port, mqtt.version, ['smolvlm/availability']);
      assert.equal((await later.on('smolvlm/availability')).text, 'online');
      await later.close();
    });

    it('continues after a restart of the broker, and announces its cameras again', async () => {
      await mqtt.load({ cameras: [{ name: 'porch' }] });
      await mqtt.watcher.on('homeassistant/device/smolvlm-porch/config');
      await mqtt.watcher.on('smolvlm/availability', (text) => text === 'online');
      const { length } = mqtt.watcher.seen;
      await mqtt.broker.cut();
      await mqtt.until(
        // Short changes in between are not shown.
        () => mqtt.statuses.at(-1)?.endsWith('.connected') === true,
        mqtt.statuses.join(' | '),
      );
      await mqtt.watcher.reconnected();
      // The node subscribes before it publishes this.
      await mqtt.watcher.on('smolvlm/availability', (text) => text === 'online', length);
      await mqtt.watcher.client.subscribeAsync('#', { qos: 1 });
      const before = mqtt.watcher.seen.length;
      const later = await Watcher.connect(mqtt.broker.port, mqtt.version, ['homeassistant/#']);
      await later.on('homeassistant/device/smolvlm-porch/config');
      await later.close();
      await mqtt.watcher.publish('smolvlm/porch/describe', street);
      await mqtt.watcher.on('smolvlm/porch/caption', () => true, before);
      assert.equal(mqtt.watcher.texts('smolvlm/porch/caption').length, 1, 'subscribed once');
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
      await mqtt.load({}, { willTopic: 'flows/gone', willPayload: 'yes', willQos: '0' }, [other]);
      await mqtt.watcher.on('smolvlm/availability', (text) => text === 'online');
      const warned = helper
        .log()
        .args.flat()
        .filter((entry) => entry?.level === 30);
      assert.ok(
        warned.some((entry) => /warning\.will|smolvlm\/availability/.test(String(entry.msg))),
        'warns of the will',
      );
      await mqtt.watcher.publish('smolvlm/porch/describe', street);
      await mqtt.watcher.on('smolvlm/porch/caption');
      await mqtt.watcher.publish('smolvlm/yard/describe', street);
      await mqtt.watcher.on('smolvlm/yard/caption');
      assert.equal(mqtt.watcher.texts('smolvlm/porch/caption').length, 1, 'described once');
    });
  });

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
          { id: 'e', type: 'smolvlm-engine', location: 'remote', url: engineUrl() },
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
    cleanup(() => broker.close());
    cleanup(() => helper.unload());
    const flow = (node: object) => [
      { id: 'tab', type: 'tab' },
      { id: 'failures', x: 1, y: 1, z: 'tab', type: 'catch', scope: ['m'], wires: [['bad']] },
      { id: 'bad', x: 1, y: 1, z: 'tab', type: 'helper' },
      { id: 'e', type: 'smolvlm-engine', location: 'remote', url: engineUrl() },
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
  });

  it('shows why the broker refuses the connection until it accepts one', async () => {
    let admitted = false;
    const broker = await startAedes({ admit: () => admitted });
    cleanup(() => broker.close());
    cleanup(() => helper.unload());
    await helper.load(types, [
      { id: 'b', type: 'mqtt-broker', broker: '127.0.0.1', port: String(broker.port), protocolVersion: '4' },
      { id: 'e', type: 'smolvlm-engine', location: 'remote', url: engineUrl() },
      { id: 'm', type: 'smolvlm-mqtt', broker: 'b', engine: 'e', wires: [[], []] },
    ] as never);
    const statuses: { fill?: string; text?: string }[] = [];
    const events = helper.getNode('m') as unknown as EventEmitter;
    events.on('call:status', ({ firstArg }) => void statuses.push(firstArg));
    const shown = async (fill: string, text: string): Promise<void> => {
      const isShown = (): boolean => {
        const last = statuses.at(-1);
        return last?.fill === fill && last.text?.endsWith(text) === true;
      };
      for (let waited = 0; !isShown() && waited < 60_000; waited += 10) await delay(10);
      assert.ok(isShown(), JSON.stringify(statuses));
    };
    await shown('red', 'trouble.loginRefused');
    admitted = true;
    await shown('green', 'status.connected');
  });

  it('subscribes before it publishes online again, also when its first online was never acknowledged', async () => {
    let held = true;
    const arrived: string[] = [];
    const broker = await startAedes({
      holds: (topic) => held && topic === 'smolvlm/availability',
      onArrival: (kind, topic) => arrived.push(`${kind} ${topic}`),
    });
    cleanup(() => broker.close());
    cleanup(() => helper.unload());
    const subscription = 'subscribe smolvlm/+/describe';
    const online = 'publish smolvlm/availability';
    const onlineAfter = async (start: number): Promise<void> => {
      for (let waited = 0; !arrived.slice(start).includes(online) && waited < 60_000; waited += 10) {
        await delay(10);
      }
    };
    await helper.load(types, [
      { id: 'b', type: 'mqtt-broker', broker: '127.0.0.1', port: String(broker.port), protocolVersion: '4' },
      { id: 'e', type: 'smolvlm-engine', location: 'remote', url: engineUrl() },
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
  });

  it('says that no engine or broker is chosen, or that a setting is invalid', async () => {
    const flow = (more: object) => [
      { id: 'e', type: 'smolvlm-engine', location: 'remote', url: engineUrl() },
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
