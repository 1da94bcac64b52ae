import assert from 'node:assert/strict';
import { expectedCaption, Home } from './home';

describe('example one frame, five questions', function () {
  this.timeout(300_000);
  let home: Home;

  before(async () => {
    home = await Home.start();
  });
  after(() => home.close());

  it('answers five questions from one encoding of the picture', async () => {
    const frame = 'frame_09_street_day.jpg';
    home.show(frame);
    await home.run('one frame, five questions');
    await home.press('smolvlm-five-now');
    const answers = await home.told('answers');
    for (const prompt of ['Describe this image.', 'Where is this?']) {
      assert.ok(answers.includes(expectedCaption(frame, prompt)), answers);
    }
    assert.match(answers, /'Is there a person\? .*': true/);
    assert.match(answers, /'Is it day or night\?': 'It is day\.'/);
    assert.match(answers, /'How many people .*': 1/);
    // Each question found the encoded picture of the vision node: none encoded it again.
    const visionTime = 'caption.timingsMs.vision';
    await home.run('one frame, five questions', {}, ({ id, type }) => ({
      ...(type === 'join' && { property: visionTime }),
      ...(id === 'smolvlm-five-answers' && { complete: visionTime }),
    }));
    const { length } = home.nodeRed.log;
    await home.press('smolvlm-five-now');
    const visionMs = (await home.told('answers', length)).match(/': [\d.]+/g);
    assert.deepEqual(
      visionMs,
      Array.from({ length: 5 }, () => "': 0"),
    );
  });
});
