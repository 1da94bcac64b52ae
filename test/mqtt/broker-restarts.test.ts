import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { DescribeService } from '../../src/mqtt/describe-service';
import type { CameraAnswer, CameraRequest } from '../../src/mqtt/requests/camera-request';
import { brokerAddress } from '../../src/mqtt/transport/broker-address';
import type { IncomingMessage, Qos } from '../../src/mqtt/transport/mqtt-transport';
import { MqttJsTransport } from '../../src/mqtt/transport/mqttjs-transport';
import { fillPrompt } from '../../src/template/prompt-template';
import { FakeEngine } from './fake-engine';
import { noisePicture } from './picture-server';
import { hasMosquitto, startAedes, startMosquitto } from './test-broker';
import { Watcher } from './watcher';

/** Counts the requests that arrive. */
class CountingTransport extends MqttJsTransport {
  requests = 0;

  override subscribe(filter: string, qos: Qos, listener: (message: IncomingMessage) => void): void {
    super.subscribe(filter, qos, (message) => {
      if (filter.endsWith('/describe') && !message.retained) this.requests += 1;
      listener(message);
    });
  }
}

describe('MQTT service while its broker restarts', function () {
  this.timeout(120_000);

  for (const [name, version, start, present] of [
    ['the embedded broker, MQTT 3.1.1', 4, () => startAedes(), true],
    ['Mosquitto, MQTT 3.1.1', 4, () => startMosquitto(), hasMosquitto],
    ['Mosquitto, MQTT 5', 5, () => startMosquitto(), hasMosquitto],
  ] as const) {
    (present ? it : it.skip)(
      `answers every request that arrives, and ends in the last state: ${name}`,
      async () => {
        const broker = await start();
        const client = await Watcher.connect(broker.port, version, ['smolvlm/availability']);
        const transport = new CountingTransport({
          broker: brokerAddress(`mqtt://127.0.0.1:${broker.port}`),
          ...{ protocolVersion: version, reconnectMs: 20 },
          will: { topic: 'smolvlm/availability', payload: 'offline', qos: 1, retain: true },
        });
        const ended: { request: CameraRequest; answer: CameraAnswer }[] = [];
        const service = new DescribeService({
          ...{ transport, engine: new FakeEngine(), version: '1.2.3', fillPrompt },
          settings: {
            ...{ base: 'smolvlm', qos: 1, cameras: [], prompt: 'What is there?', defaults: {} },
            ...{ allowAddresses: false, publishPicture: true },
          },
          onAnswer: (request, answer) => ended.push({ request, answer }),
        });
        service.start();
        await client.on('smolvlm/availability', (text) => text === 'online');
        const picture = (await noisePicture(50)).toString('base64');
        const cameras = ['porch', 'street', 'yard'];
        for (let round = 0; round < 5; round++) {
          let taken = 0;
          for (let count = 0; count < 12; count++) {
            const id = `${round}-${count}`;
            const body = count % 4 === 3 ? { id, prompt: 7 } : { id, picture };
            const settled = (): void => {
              taken += 1;
            };
            client.publish(`smolvlm/${cameras[count % 3]}/describe`, body).then(settled, settled);
          }
          // Some rounds end while requests are on their way, some while answers are.
          for (let waited = 0; taken < 3 * round && waited < 60_000; waited++) await delay(1);
          await broker.cut();
        }
        await client.reconnected();
        for (let waited = 0; !transport.connected && waited < 60_000; waited += 20) await delay(20);
        for (const camera of cameras)
          await client.publish(`smolvlm/${camera}/describe`, { id: 'last', picture });
        const open = (): number => transport.requests - ended.length;
        for (let waited = 0; (open() > 0 || ended.length < 3) && waited < 60_000; waited += 20)
          await delay(20);
        assert.ok(transport.requests > 0);
        assert.equal(open(), 0, `${transport.requests} requests`);
        await client.reconnected();
        const later = await Watcher.connect(broker.port, version, ['smolvlm/#']);
        for (const camera of cameras) {
          const last = ended.findLast(
            ({ request, answer }) => request.camera === camera && answer.kind === 'caption',
          );
          if (!last) continue;
          const { id } = last.request.payload;
          await later.on(`smolvlm/${camera}/attributes`, (text) => JSON.parse(text).id === id);
          await later.on(`smolvlm/${camera}/picture`);
        }
        await later.close();
        await service.close();
        await client.close();
        await broker.close();
      },
    );
  }
});
