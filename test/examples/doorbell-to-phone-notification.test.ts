import assert from 'node:assert/strict';
import sharp from 'sharp';
import { type ExampleNode, expectedCaption, Home } from './home';

describe('example doorbell to phone notification', function () {
  this.timeout(300_000);
  let home: Home;

  before(async () => {
    home = await Home.start();
  });
  after(() => home.close());

  /** @param deadline of both answers in seconds; by itself long, for a machine with other work */
  async function run(deadline = '120'): Promise<void> {
    home.notifications.length = 0;
    const inTime = ({ type }: ExampleNode): object => (type === 'smolvlm-caption' ? { deadline } : {});
    await home.run('doorbell to phone notification', { NTFY_URL: home.phone }, inTime);
  }

  const ring = async (): Promise<void> => {
    const answer = await fetch(`${home.nodeRed.url}/doorbell`, { method: 'POST' });
    assert.equal(answer.status, 204);
  };

  it('sends who is at the door in words, with the picture', async () => {
    home.show('frame_09_street_day.jpg');
    await run();
    await ring();
    const { method, query, body } = await home.notified(1);
    assert.equal(method, 'PUT');
    assert.deepEqual(Object.fromEntries(query), {
      filename: 'door.jpg',
      title: 'Somebody is at the door',
      message: expectedCaption('frame_09_street_day.jpg'),
    });
    const { format, width } = await sharp(body).metadata();
    assert.deepEqual([format, width], ['jpeg', 640]);
  });

  it('says that there is no person in the picture, and describes it', async () => {
    home.show('frame_06_porch_night.jpg');
    await run();
    await home.press('smolvlm-bell-ring');
    const { query, body } = await home.notified(1);
    assert.deepEqual(
      [query.get('title'), query.get('message')],
      ['The doorbell rang, no person in the picture', expectedCaption('frame_06_porch_night.jpg')],
    );
    assert.equal((await sharp(body).metadata()).format, 'jpeg');
  });

  it('never waits for an answer: the picture goes out at the deadline, and the description follows', async () => {
    home.show('frame_09_street_day.jpg');
    // Long before any answer can be there.
    await run('0.001');
    await ring();
    await home.until(() => home.notifications.length >= 2, 'the second notification');
    const told = home.notifications.map(({ query }) => [query.get('title'), query.get('message')]);
    assert.deepEqual(told, [
      ['The doorbell rang', 'The description follows.'],
      ['The doorbell rang', expectedCaption('frame_09_street_day.jpg')],
    ]);
    for (const { body } of home.notifications) assert.equal((await sharp(body).metadata()).format, 'jpeg');
  });

  it('says that it rang when the camera does not answer', async () => {
    home.pictures.clear();
    await run();
    await ring();
    const { query, body } = await home.notified(1);
    assert.equal(query.get('title'), 'The doorbell rang');
    assert.match(query.get('message') ?? '', /^No caption: .*500/);
    assert.deepEqual([query.has('filename'), body.length], [false, 0]);
  });
});
