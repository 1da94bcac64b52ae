import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type ServedEngine, serveEngine } from '../../src/server/serve-engine';
import { demoFrame } from '../fixtures';
import { hasMosquitto, startAedes, startMosquitto, type TestBroker } from '../mqtt/test-broker';
import { Watcher } from '../mqtt/watcher';
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
  let other: ServedEngine;
  let broker: TestBroker;
  let watcher: Watcher;

  before(async () => {
    home = await Home.start();
    broker = hasMosquitto ? await startMosquitto() : await startAedes();
    watcher = await Watcher.connect(broker.port, 4);
    other = await serveEngine({ tcp: { host: '127.0.0.1', port: 0 }, model: 'demo', log: () => {} });
    await run(other);
  });
  after(async () => {
    await home.close();
    await watcher.close();
    await broker.close();
    await other.close();
  });

  async function run(engine: ServedEngine): Promise<void> {
    const begin = home.nodeRed.log.length;
    await home.run('two hubs share one queue', {}, ({ type, location }) => ({
      ...(type === 'mqtt-broker' && { broker: '127.0.0.1', port: String(broker.port) }),
      ...(location === 'remote' && { url: engine.url }),
    }));
    await home.until(() => /Connected to broker/.test(home.nodeRed.log.slice(begin)), 'the connection');
  }

  interface Answer {
    readonly text: string;
    readonly hub: number;
  }

  const send = (camera: string, frame: string): Promise<void> =>
    watcher.publish(`cameras/${camera}/frame`, readFileSync(demoFrame(frame)));
  const answer = async (camera: string, frame: string): Promise<Answer> => {
    const wanted = (text: string): boolean => JSON.parse(text).text === expectedCaption(frame);
    return JSON.parse((await watcher.on(`cameras/${camera}/caption`, wanted, 0, 60_000)).text);
  };

  it('has whichever is free describe the next picture', async () => {
    await Promise.all(frames.map((frame, index) => send(`camera-${index}`, frame)));
    const answers = await Promise.all(frames.map((frame, index) => answer(`camera-${index}`, frame)));
    assert.deepEqual([...new Set(answers.map(({ hub }) => hub))].sort(), [1, 2]);
  });

  it('keeps the newest of a flood waiting, and describes it', async () => {
    for (let round = 0; round < 4; round++) for (const frame of frames) await send('flood', frame);
    await send('flood', 'frame_06_porch_night.jpg');
    await answer('flood', 'frame_06_porch_night.jpg');
    assert.ok(watcher.texts('cameras/flood/caption').length < 17);
  });

  it('hands the picture of a hub that fails to the other one', async () => {
    // As after somebody changed its token; one that is gone fails the same way, half a minute later.
    const token = 'a token that the flow does not have';
    const closed = await serveEngine({ tcp: { host: '127.0.0.1', port: 0, token }, log: () => {} });
    try {
      await run(closed);
      await Promise.all(frames.map((frame, index) => send(`later-${index}`, frame)));
      const answers = await Promise.all(frames.map((frame, index) => answer(`later-${index}`, frame)));
      assert.deepEqual([...new Set(answers.map(({ hub }) => hub))], [1]);
      assert.match(await home.told('error'), /request-unauthorized/);
    } finally {
      await closed.close();
    }
  });
});
