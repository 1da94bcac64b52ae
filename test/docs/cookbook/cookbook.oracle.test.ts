import assert from 'node:assert/strict';
import { Home } from '../../examples/home';
import { startAedes, type TestBroker } from '../../mqtt/broker/test-broker';
import { Watcher } from '../../mqtt/broker/watcher';
import { type FlowNode, readCookbook } from './cookbook';

/** A frame for each camera of the cookbook, from those that the demo model describes. */
const shown: Readonly<Record<string, string>> = {
  porch: 'frame_11_living-room_day.jpg',
  garden: 'frame_07_garden_day.jpg',
  'back door': 'frame_01_driveway_day.jpg',
  drive: 'frame_04_driveway_day.jpg',
  'front door': 'frame_09_street_day.jpg',
  street: 'frame_01_driveway_day.jpg',
};

describe('the cookbook in a Node-RED with the demo model', function () {
  this.timeout(300_000);
  const recipes = readCookbook();
  let home: Home;
  let broker: TestBroker;

  before(async () => {
    home = await Home.start();
    broker = await startAedes();
  });
  after(async () => {
    await home.close();
    await broker.close();
  });

  for (const { name, nodes } of recipes) {
    it(`${name} is deployed and asks the engine about each of its cameras without an error`, async () => {
      const begin = home.nodeRed.log.length;
      await home.nodeRed.deploy(nodes.map((node) => ({ ...node, ...filledIn(node) })));
      const [start] = nodes.filter(({ type }) => type === 'inject' && name !== 'digest');
      if (start) await home.press(start.id);
      if (name === 'doorbell') await fetch(`${home.nodeRed.url}/doorbell`, { method: 'POST' });
      for (const { camera } of frames(nodes)) await home.answered(String(camera), 1);
      if (name === 'digest') await digestOf('porch: 1 captions');
      assert.doesNotMatch(home.nodeRed.log.slice(begin), /\[error\]|missing types/);
    });
  }

  it('doorbell: the phone gets the caption', () => {
    const bell = home.notifications.find(({ body }) => String(body).startsWith('Doorbell: '));
    assert.match(String(bell?.body), /^Doorbell: A person in a yellow jacket/);
  });

  it('bins: a sure no has no reservation', async () => {
    const reminder = (): string | undefined =>
      home.notifications.map(({ body }) => String(body)).find((text) => text.startsWith('Collection'));
    await home.until(() => reminder() !== undefined, 'the reminder');
    assert.equal(reminder(), 'Collection is tomorrow, and there are no bins on the street.');
  });

  it('cars: the first number is published, and kept by the broker', async () => {
    const watcher = await Watcher.connect(broker.port, 4, ['home/drive/cars']);
    try {
      const { text, packet } = await watcher.on('home/drive/cars');
      assert.deepEqual([text, packet.retain], ['1', true]);
    } finally {
      await watcher.close();
    }
  });

  it('parcel: the first answer sends nothing, and what has changed since is sent once', async () => {
    const about = (): readonly string[] =>
      home.notifications
        .map(({ body }) => String(body))
        .filter((text) => /parcel on the|A parcel/.test(text));
    const before = about().length;
    const nodes = recipes.find(({ name }) => name === 'parcel')?.nodes ?? [];
    const seen = { ...shown, porch: 'frame_05_porch_day.jpg' };
    const quick = (node: FlowNode): object => (node.type === 'smolvlm-frame' ? { interval: '0.2' } : {});
    const answered = await home.answers('porch');
    await home.nodeRed.deploy(nodes.map((node) => ({ ...node, ...filledIn(node, seen), ...quick(node) })));
    await home.answered('porch', answered + 1);
    home.show('frame_11_living-room_day.jpg', '/porch.jpg');
    await home.until(() => about().length > before, 'the parcel');
    assert.deepEqual(about().slice(before), ['A parcel is on the porch.']);
  });

  /** Presses *digest now* until the phone has got a digest with the caption: it is kept a moment after the answer. */
  async function digestOf(line: string): Promise<void> {
    const arrived = (): boolean => home.notifications.some(({ body }) => String(body).includes(line));
    await home.until(async () => {
      await home.press('cookbook-digest-now');
      return arrived();
    }, 'the digest');
  }

  function frames(nodes: readonly FlowNode[]): readonly FlowNode[] {
    return nodes.filter(({ type }) => type === 'smolvlm-frame');
  }

  /** What somebody fills in: the camera's address, and the phone's. */
  function filledIn({ type, camera }: FlowNode, seen = shown): object {
    if (type === 'tab') return { env: [{ name: 'NTFY_URL', value: home.phone, type: 'str' }] };
    if (type === 'mqtt-broker') return { broker: '127.0.0.1', port: String(broker.port) };
    if (type !== 'smolvlm-frame') return {};
    const path = `/${encodeURIComponent(String(camera))}.jpg`;
    home.show(seen[String(camera)] ?? 'frame_12_living-room_ir.jpg', path);
    return { url: `${home.url}${path}`, zones: [] };
  }
});
