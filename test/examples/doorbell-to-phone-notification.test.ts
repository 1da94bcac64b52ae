import assert from 'node:assert/strict';
import sharp from 'sharp';
import { expectedCaption, Home } from './home';

describe('example doorbell to phone notification', function () {
  this.timeout(300_000);
  let home: Home;

  before(async () => {
    home = await Home.start();
    home.show('frame_09_street_day.jpg');
    await home.run('doorbell to phone notification', { NTFY_URL: home.phone });
  });
  after(() => home.close());
  beforeEach(() => {
    home.notifications.length = 0;
  });

  const ring = async (): Promise<void> => {
    const answer = await fetch(`${home.nodeRed.url}/doorbell`, { method: 'POST' });
    assert.equal(answer.status, 204);
  };

  it('sends who is at the door in words, with the picture', async () => {
    home.show('frame_09_street_day.jpg');
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

  it('sends the picture when nobody is to be seen', async () => {
    home.show('frame_06_porch_night.jpg');
    await home.press('smolvlm-bell-ring');
    const { query, body } = await home.notified(1);
    assert.deepEqual(
      [query.get('title'), query.get('message')],
      ['The doorbell rang', 'Nobody is to be seen.'],
    );
    assert.equal((await sharp(body).metadata()).format, 'jpeg');
  });

  it('says that it rang when the camera does not answer', async () => {
    home.pictures.clear();
    await ring();
    const { query, body } = await home.notified(1);
    assert.equal(query.get('title'), 'The doorbell rang');
    assert.match(query.get('message') ?? '', /^No caption: .*500/);
    assert.deepEqual([query.has('filename'), body.length], [false, 0]);
  });
});
