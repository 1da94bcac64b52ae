import assert from 'node:assert/strict';
import { Home } from '../../examples/home';
import { type FlowNode, readCookbook } from './cookbook';

/** A frame for each camera of the cookbook, from those that the demo model describes. */
const shown: Readonly<Record<string, string>> = {
  porch: 'frame_11_living-room_day.jpg',
  garden: 'frame_07_garden_day.jpg',
  'back door': 'frame_01_driveway_day.jpg',
  drive: 'frame_04_driveway_day.jpg',
  'front door': 'frame_09_street_day.jpg',
};

describe('the cookbook in a Node-RED with the demo model', function () {
  this.timeout(300_000);
  let home: Home;

  before(async () => {
    home = await Home.start();
  });
  after(() => home.close());

  for (const { name, nodes } of readCookbook()) {
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
  function filledIn({ type, camera }: FlowNode): object {
    if (type === 'tab') return { env: [{ name: 'NTFY_URL', value: home.phone, type: 'str' }] };
    if (type !== 'smolvlm-frame') return {};
    const path = `/${encodeURIComponent(String(camera))}.jpg`;
    home.show(shown[String(camera)] ?? 'frame_12_living-room_ir.jpg', path);
    return { url: `${home.url}${path}`, zones: [] };
  }
});
