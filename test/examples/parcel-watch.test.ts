import assert from 'node:assert/strict';
import { Home } from './home';

describe('example parcel watch', function () {
  this.timeout(300_000);
  let home: Home;

  before(async () => {
    home = await Home.start();
  });
  after(() => home.close());

  it('notifies once when what is watched has come, and once when it is gone', async () => {
    home.show('frame_05_porch_day.jpg');
    // The demo model describes persons, not parcels.
    const picture = '/api/camera_proxy/camera.front_door';
    const environment = { THING: 'person', HA_NOTIFY_URL: home.phone, HA_PICTURE: picture };
    await home.run('parcel watch', environment, ({ type }) => ({
      ...(type === 'smolvlm-frame' && { interval: '0.2' }),
      ...(type === 'http request' && { credentials: { password: 'a token' } }),
    }));
    await home.answered('front door', 1);
    home.show('frame_09_street_day.jpg');
    const came = await home.notified(1);
    assert.deepEqual([came.method, came.headers.authorization], ['POST', 'Bearer a token']);
    assert.deepEqual(JSON.parse(came.body.toString()), {
      title: 'Person watch',
      message: 'A person is at the front door.',
      data: { tag: 'smolvlm-person', image: picture },
    });
    // Still there, in other light: no news.
    home.show('frame_12_living-room_ir.jpg');
    await home.answered('front door', 3);
    home.show('frame_06_porch_night.jpg');
    const { body } = await home.notified(2);
    assert.equal(JSON.parse(body.toString()).message, 'The person at the front door is gone.');
  });
});
