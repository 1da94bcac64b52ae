import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { DescribeService } from '../../../src/mqtt/describe-service';
import type { CameraAnswer, CameraRequest } from '../../../src/mqtt/requests/camera-request';
import { brokerAddress } from '../../../src/mqtt/transport/broker-address';
import type { IncomingMessage, Qos } from '../../../src/mqtt/transport/mqtt-transport';
import { MqttJsTransport } from '../../../src/mqtt/transport/mqttjs-transport';
import { fillPrompt } from '../../../src/template/prompt-template';
import { FakeEngine } from '../fake-engine';
import { noisePicture } from '../picture-server';
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

function idOf(attributes: string): unknown {
  return JSON.parse(attributes).id;
}

async function eventually(isTrue: () => boolean, wanted: string): Promise<void> {
  for (let waited = 0; waited < 60_000 && !isTrue(); waited += 20) await delay(20);
  assert.ok(isTrue(), wanted);
}

/** What a new subscriber receives of a topic. The embedded broker may send a newer message before it. */
async function keptMessage(port: number, version: 4 | 5, topic: string): Promise<string> {
  const watcher = await Watcher.connect(port, version, [topic]);
  try {
    return (await watcher.on(topic)).text;
  } finally {
    await watcher.close();
  }
}

describe('MQTT service while its broker restarts', function () {
  this.timeout(120_000);

  const opened: { close(): Promise<unknown> }[] = [];

  afterEach(async () => {
    for (const each of opened.splice(0).reverse()) await each.close();
  });

  for (const [name, version, start, present] of [
    ['the embedded broker, MQTT 3.1.1', 4, () => startAedes(), true],
    ['Mosquitto, MQTT 3.1.1', 4, () => startMosquitto(), hasMosquitto],
    ['Mosquitto, MQTT 5', 5, () => startMosquitto(), hasMosquitto],
  ] as const) {
    (present ? it : it.skip)(
      `answers every request that arrives, and ends in the last state: ${name}`,
      async () => {
        const broker = await start();
        opened.push(broker);
        const client = await Watcher.connect(broker.port, version, ['smolvlm/availability']);
        opened.push(client);
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
        opened.push(service);
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
        // What the client sends again after its reconnection may arrive behind these.
        const lastAnswered = (camera: string): boolean =>
          ended.some(({ request }) => request.camera === camera && request.payload.id === 'last');
        await eventually(() => cameras.every(lastAnswered), 'an answer to the last request of each camera');
        await eventually(() => transport.requests === ended.length, 'an end of every request');
        const captioned = (camera: string): unknown =>
          ended.findLast(({ request, answer }) => request.camera === camera && answer.kind === 'caption')
            ?.request.payload.id;
        for (const camera of cameras) {
          // The last answers may still be on their way to the broker.
          let kept: unknown;
          for (let tries = 0; tries < 600 && kept !== captioned(camera); tries++) {
            if (tries > 0) await delay(100);
            kept = idOf(await keptMessage(broker.port, version, `smolvlm/${camera}/attributes`));
          }
          assert.equal(kept, captioned(camera), `the attributes of ${camera} that the broker has kept`);
          await keptMessage(broker.port, version, `smolvlm/${camera}/picture`);
        }
      },
    );
  }
});
