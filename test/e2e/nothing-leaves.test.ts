import assert from 'node:assert/strict';
import { demoFrame } from '../fixtures';
import { useTracedUser } from './traced-smolvlm';

describe('nothing leaves the machine (needs strace)', function () {
  this.timeout(120_000);
  const user = useTracedUser();

  it('when a picture is described', async () => {
    const image = demoFrame('frame_09_street_day.jpg');
    const caption = user().smolvlm('caption', '--model', 'demo', '--image', image);
    assert.equal(await caption.ended(), 0, caption.output);
    await user().assertSilent(caption);
  });
});
