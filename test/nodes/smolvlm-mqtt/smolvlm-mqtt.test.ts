import assert from 'node:assert/strict';
import type { NodeAPI, NodeDef } from 'node-red';
import type { EngineNode } from '../../../src/node-red/engine/engine-node';
import { missingPackage } from '../../../src/system/missing-package';
import { useGate } from '../../inference/gate';
import { Watcher } from '../../mqtt/broker/watcher';
import { street, useMqttNodes, withEachBroker } from './mqtt-flow';

/** A type of engine nodes whose machine lacks protobufjs. */
function faultyEngine(RED: NodeAPI): void {
  function FaultyEngine(this: EngineNode, config: NodeDef): void {
    RED.nodes.createNode(this, config);
    const fault = missingPackage((name) => name !== 'protobufjs');
    const engine = { onState: () => () => {} };
    Object.assign(this, { fault, settings: { defaults: {} }, engine: () => engine });
  }
  RED.nodes.registerType('faulty-engine', FaultyEngine as never);
}

describe('smolvlm-mqtt', function () {
  this.timeout(120_000);
  const engineUrl = useMqttNodes();
  const gate = useGate();

  withEachBroker(engineUrl, (mqtt, version) => {
    for (const qos of [0, 1] as const) {
      it(`describes a picture published with QoS ${qos}, and the broker keeps the answer`, async () => {
        await mqtt.load({ qos: String(qos), prompt: 'What is at the {{camera}}?' });
        await mqtt.watcher.on('smolvlm/availability', (text) => text === 'online');
        await mqtt.watcher.publish('smolvlm/porch/describe', street, { qos });
        const caption = await mqtt.watcher.on('smolvlm/porch/caption');
        assert.equal(caption.text, `1 of ${street.length} bytes: What is at the porch?`);
        assert.equal(caption.packet.qos, qos);
        await mqtt.until(() => mqtt.received.captions.length >= 1, 'the caption leaves on the first output');
        const [message] = mqtt.received.captions;
        assert.deepEqual(
          [message?.payload, message?.topic, message?.caption?.camera],
          [caption.text, 'porch', 'porch'],
        );
        assert.deepEqual(message?.picture, street);
        const later = await Watcher.connect(mqtt.broker.port, mqtt.version, ['smolvlm/#']);
        const attributes = JSON.parse((await later.on('smolvlm/porch/attributes')).text);
        assert.deepEqual([attributes.text, attributes.model], [caption.text, 'fake']);
        assert.deepEqual((await later.on('smolvlm/porch/picture')).payload, street);
        assert.equal((await later.on('smolvlm/porch/caption')).packet.retain, true);
        await later.close();
      });
    }

    it('announces a listed camera to Home Assistant at once, and another with its first caption', async () => {
      await mqtt.load({ cameras: [{ name: 'porch', title: 'Front porch' }] });
      const found = await mqtt.watcher.on('homeassistant/device/smolvlm-porch/config');
      assert.equal(JSON.parse(found.text).device.name, 'Front porch');
      assert.ok(!mqtt.watcher.seen.some(({ topic }) => topic.includes('hall')));
      await mqtt.watcher.publish('smolvlm/hall/describe', street);
      const hall = JSON.parse((await mqtt.watcher.on('homeassistant/device/smolvlm-hall/config')).text);
      await mqtt.watcher.on('smolvlm/hall/caption');
      const before = mqtt.watcher.seen.length;
      await mqtt.watcher.publish(
        hall.components.describe.command_topic,
        hall.components.describe.payload_press,
      );
      await mqtt.watcher.on(hall.components.caption.state_topic, () => true, before);
    });

    it('keeps a retained picture, and describes it on request', async () => {
      await mqtt.watcher.publish('smolvlm/porch/describe', street, { retain: true });
      await mqtt.load();
      await mqtt.watcher.on('smolvlm/availability', (text) => text === 'online');
      const client = await Watcher.connect(mqtt.broker.port, mqtt.version, ['smolvlm/porch/caption']);
      await client.publish('smolvlm/porch/describe', 'Is it night?');
      const { text } = await client.on('smolvlm/porch/caption');
      assert.equal(text, `1 of ${street.length} bytes: Is it night?`);
      assert.equal(client.texts('smolvlm/porch/caption').length, 1);
      await client.close();
    });

    it('drops a request that is replaced while it waits', async () => {
      await mqtt.load();
      await mqtt.watcher.on('smolvlm/availability', (text) => text === 'online');
      const picture = street.toString('base64');
      for (let id = 0; id < 6; id++) {
        await mqtt.watcher.publish('smolvlm/porch/describe', {
          picture,
          prompt: gate().prompt,
          id: String(id),
        });
      }
      await mqtt.until(() => mqtt.received.dropped.length === 4, 'four drops');
      gate().open();
      await mqtt.until(
        () => mqtt.received.captions.length === 2 && mqtt.received.dropped.length === 4,
        'two captions, four drops',
      );
      assert.deepEqual(
        mqtt.received.captions.map(({ caption }) => caption?.id),
        ['0', '5'],
      );
      const { dropped, id, camera } = mqtt.received.dropped[0]?.caption ?? {};
      assert.deepEqual([dropped, id, camera], ['superseded', '1', 'porch']);
      await mqtt.until(
        () => mqtt.statuses.some((text) => /status\.(vision|answered|dropped)/.test(text)),
        mqtt.statuses.join(' | '),
      );
      await mqtt.until(
        () => mqtt.watcher.texts('smolvlm/porch/dropped').length === 4,
        'four published drops',
      );
    });

    it('passes errors to Catch and to the error topic', async () => {
      await mqtt.load();
      await mqtt.watcher.on('smolvlm/availability', (text) => text === 'online');
      await mqtt.watcher.publish('smolvlm/porch/describe', {
        picture: street.toString('base64'),
        prompt: 'fail',
      });
      const { error } = JSON.parse((await mqtt.watcher.on('smolvlm/porch/error')).text);
      assert.equal(error.code, 'image-truncated');
      await mqtt.until(() => mqtt.received.errors.length >= 1, 'Catch receives it');
      assert.equal(mqtt.received.errors[0]?.error?.code, 'image-truncated');
      await mqtt.until(
        () =>
          mqtt.statuses.at(-1)?.endsWith('trouble.noPicture') === true ||
          mqtt.statuses.at(-1)?.endsWith('trouble.pictureDamaged') === true,
        mqtt.statuses.join(' | '),
      );
    });

    it('shows once it is connected that the engine lacks a package', async () => {
      await mqtt.load({ engine: 'faulty' }, {}, [{ id: 'faulty', type: 'faulty-engine' }], [faultyEngine]);
      await mqtt.until(
        () => mqtt.statuses.some((text) => text.includes('trouble.')),
        mqtt.statuses.join(' | '),
      );
      assert.ok(!mqtt.statuses.some((text) => text.endsWith('.connected')), mqtt.statuses.join(' | '));
    });

    it('describes snapshots that Frigate publishes', async () => {
      await mqtt.load({ frigate: true, frigateLabels: 'person', prompt: 'Who is this {{label}}?' });
      await mqtt.watcher.on('smolvlm/availability', (text) => text === 'online');
      await mqtt.watcher.publish('frigate/hall/person/snapshot', street);
      assert.equal(
        (await mqtt.watcher.on('smolvlm/hall/caption')).text,
        `1 of ${street.length} bytes: Who is this person?`,
      );
    });

    if (version === 5) {
      it('answers on the response topic with the correlation data, and does not change the state', async () => {
        await mqtt.load();
        await mqtt.watcher.on('smolvlm/availability', (text) => text === 'online');
        const correlationData = Buffer.from([0, 1, 254, 255]);
        await mqtt.watcher.publish('smolvlm/porch/describe', street, {
          properties: { responseTopic: 'answers/me', correlationData },
        });
        const { text, packet } = await mqtt.watcher.on('answers/me');
        assert.equal(JSON.parse(text).text, `1 of ${street.length} bytes: Describe this image.`);
        assert.deepEqual(Buffer.from(packet.properties?.correlationData ?? []), correlationData);
        assert.equal(packet.properties?.contentType, 'application/json');
        assert.equal(packet.retain, false);
        await mqtt.watcher.publish('smolvlm/porch/describe', street, {
          properties: { responseTopic: 'answers/later' },
        });
        await mqtt.watcher.on('answers/later');
        assert.deepEqual(mqtt.watcher.texts('smolvlm/porch/caption'), []);
      });
    }
  });
});
