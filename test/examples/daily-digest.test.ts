import assert from 'node:assert/strict';
import { expectedCaption, Home } from './home';

interface Line {
  readonly camera: string;
  readonly text: string;
}

describe('example daily digest', function () {
  this.timeout(300_000);
  let home: Home;

  before(async () => {
    home = await Home.start();
  });
  after(() => home.close());

  const lines = async (): Promise<readonly Line[]> =>
    ((await home.flowContext('smolvlm-digest-tab', 'digest')) ?? []) as readonly Line[];
  const collected = (frame: string): Promise<void> => {
    const text = expectedCaption(frame);
    return home.until(async () => (await lines()).at(-1)?.text === text, text);
  };
  const evening = (): Promise<void> => home.press('smolvlm-digest-evening');

  it('sends the captions of the day once, as one text, over a restart', async () => {
    const frames = ['frame_05_porch_day.jpg', 'frame_08_garden_day.jpg', 'frame_07_garden_day.jpg'] as const;
    home.show(frames[0], '/porch.jpg');
    await home.run('daily digest', { NTFY_URL: home.phone }, ({ type, name, func }) => ({
      ...(type === 'smolvlm-frame' && { url: `${home.url}/${name}.jpg`, interval: '0.2' }),
      ...(typeof func === 'string' && { func: func.replace('const most = 100', 'const most = 2') }),
    }));
    for (const frame of frames) {
      if (frame !== frames[0]) home.show(frame, '/garden.jpg');
      await collected(frame);
    }
    const bounded = (await lines()).map(({ camera, text }) => ({ camera, text }));
    const kept = frames.slice(1).map((frame) => ({ camera: 'garden', text: expectedCaption(frame) }));
    assert.deepEqual(bounded, kept, 'the oldest line has gone');
    home.pictures.clear();
    await home.restartNodeRed();
    home.phoneStatus = 503;
    await evening();
    await home.notified(1);
    assert.match(await home.told('refused'), /^\s*503\b/);
    assert.equal((await lines()).length, 2, 'what the phone refused stays');
    home.phoneStatus = 200;
    await evening();
    const { headers, body } = await home.notified(2);
    assert.equal(headers.title, 'What the cameras saw today');
    const text = body.toString().split('\n');
    assert.deepEqual(
      text.map((line) => line.replace(/^\d\d:\d\d(\s[AP]M)? /, '')),
      kept.map(({ camera, text: caption }) => `${camera}: ${caption}`),
    );
    await home.until(async () => (await lines()).length === 0, 'an empty digest');
    // An evening after a day without captions is silent; the next line comes all the same.
    await evening();
    home.show(frames[0], '/porch.jpg');
    await collected(frames[0]);
    assert.equal(home.notifications.length, 2);
  });
});
