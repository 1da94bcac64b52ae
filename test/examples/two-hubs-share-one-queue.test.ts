import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { EngineClient } from '../../src/client/engine-client';
import { NatsEngine } from '../../src/nats/client/nats-engine';
import { Hub } from '../../src/nats/hub/hub';
import { parseNatsAddress } from '../../src/nats/nats-address';
import { openNats } from '../../src/nats/nats-connection';
import { serveEngine } from '../../src/server/serve-engine';
import { demoFrame } from '../fixtures';
import { hasMosquitto, startAedes, startMosquitto, type TestBroker } from '../mqtt/broker/test-broker';
import { Watcher } from '../mqtt/broker/watcher';
import { hasNatsServer, TestNats } from '../nats/test-server';
import { expectedCaption, Home } from './home';

const frames = [
  'frame_01_driveway_day.jpg',
  'frame_05_porch_day.jpg',
  'frame_07_garden_day.jpg',
  'frame_09_street_day.jpg',
] as const;

describe('example two hubs share one queue', function () {
  this.timeout(300_000);
  let home: Home;
  let broker: TestBroker;
  let nats: TestNats;
  let watcher: Watcher;
  let hubs: readonly { close(): Promise<void> }[] = [];

  before(async function () {
    if (!hasNatsServer) this.skip();
    nats = await TestNats.start();
    hubs = [await startHub(), await startHub()];
    home = await Home.start();
    broker = hasMosquitto ? await startMosquitto() : await startAedes();
    watcher = await Watcher.connect(broker.port, 4);
    await home.run('two hubs share one queue', {}, ({ type, location }) => ({
      ...(type === 'mqtt-broker' && { broker: '127.0.0.1', port: String(broker.port) }),
      ...(location === 'group' && { url: nats.url }),
    }));
    await home.until(() => /Connected to broker/.test(home.nodeRed.log), 'the connection');
    await untilSubscribed();
  });
  after(async () => {
    await home?.close();
    await watcher?.close();
    await broker?.close();
    await Promise.all(hubs.map((hub) => hub.close()));
    await nats?.close();
  });

  async function startHub(): Promise<{ close(): Promise<void> }> {
    const served = await serveEngine({ tcp: { host: '127.0.0.1', port: 0 }, model: 'demo', log: () => {} });
    const engine = new EngineClient({ kind: 'remote', url: new URL(served.url ?? '') });
    const link = await openNats(parseNatsAddress(nats.url), 'hub');
    const models = new Map([
      [undefined, undefined],
      ['demo', 'demo'],
    ]);
    const hub = new Hub({ link, engine, models, log: () => {} });
    await hub.start();
    return {
      close: async () => {
        await hub.close();
        await engine.close();
        await served.close();
      },
    };
  }

  const send = (camera: string, frame: string): Promise<void> =>
    watcher.publish(`cameras/${camera}/frame`, readFileSync(demoFrame(frame)));
  const answer = async (camera: string, frame: string): Promise<void> => {
    const wanted = (text: string): boolean => JSON.parse(text).text === expectedCaption(frame);
    await watcher.on(`cameras/${camera}/caption`, wanted, 0, 60_000);
  };

  /** Node-RED connects before it subscribes; a picture that is published between is lost. */
  async function untilSubscribed(): Promise<void> {
    const answered = (): Promise<boolean> =>
      watcher
        .on('cameras/first/caption', () => true, 0, 5_000)
        .then(
          () => true,
          () => false,
        );
    do await send('first', frames[0]);
    while (!(await answered()));
  }

  it('has both hubs describe pictures', async () => {
    const client = new NatsEngine(parseNatsAddress(nats.url));
    await Promise.all(frames.map((frame, index) => send(`camera-${index}`, frame)));
    await Promise.all(frames.map((frame, index) => answer(`camera-${index}`, frame)));
    const answered = (await client.hubs()).map((hub) => hub.answered);
    await client.close();
    assert.equal(answered.length, 2);
    assert.ok(
      answered.every((count) => count > 0),
      answered.join(' '),
    );
  });

  it('keeps the newest of a flood waiting, and describes it', async () => {
    for (let round = 0; round < 4; round++) for (const frame of frames) await send('flood', frame);
    await send('flood', 'frame_06_porch_night.jpg');
    await answer('flood', 'frame_06_porch_night.jpg');
    assert.ok(watcher.texts('cameras/flood/caption').length < 17);
  });
});
