import assert from 'node:assert/strict';
import { expectedCaption, Home } from './home';

describe('example one frame, five questions', function () {
  this.timeout(300_000);
  let home: Home;

  before(async () => {
    home = await Home.start();
  });
  after(() => home.close());

  it('answers five questions from one look at the picture', async () => {
    const frame = 'frame_09_street_day.jpg';
    home.show(frame);
    await home.run('one frame, five questions');
    await home.press('smolvlm-five-now');
    const answers = await home.told('answers');
    for (const prompt of ['Describe this image.', 'Where is this?', 'Is it day or night?']) {
      assert.ok(answers.includes(expectedCaption(frame, prompt)), answers);
    }
    assert.match(answers, /'Is there a person\?': 'Yes'/);
    assert.match(answers, /'What is the weather like\?': 'It is (sunny|raining|snowing)\.'/);
  });
});
