import assert from 'node:assert/strict';
import { expectedCaption, Home } from './home';

describe('example snapshot to caption', function () {
  this.timeout(300_000);
  let home: Home;

  before(async () => {
    home = await Home.start();
  });
  after(() => home.close());

  it('describes the picture that the camera shows when the button is pressed', async () => {
    const frame = 'frame_09_street_day.jpg';
    home.show(frame);
    await home.run('snapshot to caption');
    await home.press('smolvlm-snap-now');
    assert.ok((await home.told('caption')).includes(expectedCaption(frame)));
  });

  it('says what is wrong when the camera does not answer', async () => {
    home.pictures.clear();
    await home.press('smolvlm-snap-now');
    assert.match(
      await home.told('error'),
      /snapshot\.jpg answered 500 Internal Server Error\. Open the address/,
    );
  });
});
