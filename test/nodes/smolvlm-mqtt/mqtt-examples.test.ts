import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { NodeMessage } from 'node-red';
import helper from 'node-red-node-test-helper';
import engineNode from '../../../nodes/smolvlm-engine/smolvlm-engine';
import mqttNode from '../../../nodes/smolvlm-mqtt/smolvlm-mqtt';
import type { ServedEngine } from '../../../src/server/serve-engine';
import { demoFrame, repositoryRoot } from '../../fixtures';
import { hasMosquitto, startAedes, startMosquitto, type TestBroker } from '../../mqtt/broker/test-broker';
import { Watcher } from '../../mqtt/broker/watcher';
import { serveFake } from '../../server/served-fake';

helper.init(require.resolve('node-red'));

const load = createRequire(__filename);
const core = [
  'common/20-inject',
  'common/21-debug',
  'common/25-catch',
  'common/90-comment',
  'function/15-change',
  'function/89-delay',
  'network/10-mqtt',
  'network/21-httpin',
].map((name) => load(`@node-red/nodes/core/${name}.js`));
const types = [engineNode, mqttNode, ...core] as never;

const street = readFileSync(demoFrame('frame_09_street_day.jpg'));
/** What the fake engine answers about it. */
const about = (prompt: string): string => `1 of ${street.length} bytes: ${prompt}`;

interface ExampleNode {
  readonly id: string;
  readonly type: string;
  readonly [key: string]: unknown;
}

describe('the MQTT examples', function () {
  this.timeout(60_000);
  let engine: ServedEngine;
  let cameras: Server;
  let broker: TestBroker;
  let watcher: Watcher;
  let asked: string[];

  before(async () => {
    engine = await serveFake();
    cameras = createServer(({ url = '' }, response) => {
      asked.push(url);
      if (url.endsWith('.jpg') || url.includes('.jpg?')) response.end(street);
      else response.end('{"camera": "porch", "label": "cat"}');
    });
    await new Promise<void>((resolve) => cameras.listen(0, '127.0.0.1', resolve));
    await new Promise<void>((resolve) => helper.startServer(resolve));
  });
  after(async () => {
    await new Promise<void>((resolve) => helper.stopServer(() => resolve()));
    await new Promise((resolve) => cameras.close(resolve));
    await engine.close();
  });
  beforeEach(async () => {
    asked = [];
    broker = hasMosquitto ? await startMosquitto() : await startAedes();
    watcher = await Watcher.connect(broker.port, 4);
  });
  afterEach(async () => {
    await helper.unload();
    await watcher.close();
    await broker.close();
  });

  /** Runs an example as it is, but for the addresses of broker, engine and cameras. */
  async function run(name: string): Promise<void> {
    const text = readFileSync(join(repositoryRoot, 'examples', `${name}.json`), 'utf8');
    const { port } = cameras.address() as AddressInfo;
    const here = text.replaceAll(/http:\/\/(camera\.local|frigate\.local:5000)/g, `http://127.0.0.1:${port}`);
    const flow = (JSON.parse(here) as ExampleNode[]).map((node) => {
      if (node.type === 'mqtt-broker') return { ...node, broker: '127.0.0.1', port: String(broker.port) };
      return node.type === 'smolvlm-engine' ? { ...node, location: 'remote', url: engine.url } : node;
    });
    await helper.load(types, flow as never);
    for (const { id, type } of flow) assert.ok(type === 'tab' || helper.getNode(id), `${type} ${id} is made`);
    await watcher.on('smolvlm/availability', (state) => state === 'online');
    assert.deepEqual(
      helper
        .log()
        .args.flat()
        .filter(({ level, id }) => level <= 30 && id !== undefined)
        .map(({ msg }) => String(msg)),
      [],
      'no node warns',
    );
  }

  function press(id: string): void {
    helper.getNode(id).receive({} as NodeMessage);
  }

  it('MQTT-triggered description: an address, a question and a choice are answered', async () => {
    await run('MQTT-triggered description');
    press('smolvlm-ask-picture');
    await watcher.on('smolvlm/porch/caption', (text) => text === about('Describe this image.'));
    press('smolvlm-ask-question');
    await watcher.on('smolvlm/porch/caption', (text) => text === about('Is it night?'));
    press('smolvlm-ask-json');
    await watcher.on('smolvlm/porch/caption', (text) => text === 'It is sunny.');
    assert.deepEqual(asked, ['/snapshot.jpg']);
  });

  it('Home Assistant entities by discovery: two devices, described by timer and by the camera itself', async () => {
    await run('Home Assistant entities by discovery');
    for (const [camera, title] of [
      ['porch', 'Front porch'],
      ['garden', 'Garden'],
    ] as const) {
      const { text } = await watcher.on(`homeassistant/device/smolvlm-${camera}/config`);
      assert.equal(JSON.parse(text).device.name, title);
    }
    press('smolvlm-ha-timer');
    await watcher.on('smolvlm/porch/caption');
    helper.getNode('smolvlm-ha-garden').send({ payload: street });
    assert.equal((await watcher.on('smolvlm/garden/caption')).text, about('Describe this image.'));
    assert.deepEqual(asked, ['/snapshot.jpg']);
  });

  it('Frigate event to description: a snapshot becomes a notification', async () => {
    await run('Frigate event to description');
    await watcher.publish('frigate/drive/car/snapshot', street);
    const caption = about('Describe the car at the drive in one sentence.');
    const { text } = await watcher.on('notifications/drive');
    assert.deepEqual(JSON.parse(text), { title: 'Car at the drive', message: caption });
    await watcher.publish('frigate/tracked_object_update', {
      type: 'description',
      id: '1.2-abc',
      description: '…',
    });
    const cat = about('Describe the cat at the porch in one sentence.');
    assert.equal((await watcher.on('smolvlm/porch/caption')).text, cat);
    assert.deepEqual(asked, ['/api/events/1.2-abc', '/api/events/1.2-abc/snapshot.jpg?crop=1']);
  });
});
