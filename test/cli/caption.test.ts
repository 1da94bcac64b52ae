import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { demoFrame, fixture } from '../fixtures';
import { runSmolvlm } from './run-smolvlm';
import { runSmolvlmHere } from './run-smolvlm-here';

const frame = demoFrame('frame_06_porch_night.jpg');

/** Arguments to caption the frame with the demo model. */
const onFrame = ['caption', '--model', 'demo', '--image', frame];

describe('smolvlm caption', () => {
  it('prints one JSON document on stdout', async () => {
    const { stdout } = await runSmolvlm([...onFrame, '--json']);
    const document = JSON.parse(stdout);
    assert.equal(document.text, 'A white dog stands on the right of the porch at night in the rain.');
    assert.equal(document.token_ids.at(-1), 639);
    assert.deepEqual(Object.keys(document.timings_ms), ['image', 'vision', 'prefill', 'decode', 'total']);
    assert.deepEqual([document.tiles, document.prompt_tokens], [1, 30]);
  });

  it('streams the answer as text', async () => {
    const { stdout } = await runSmolvlm([...onFrame, '--stream']);
    assert.equal(stdout, 'A white dog stands on the right of the porch at night in the rain.\n');
  });

  it('inspect generate continues raw text with the reference’s tokens', async () => {
    const dir = fixture('goldens/tiny-idefics3');
    const { text_only } = JSON.parse(readFileSync(join(dir, 'expected.json'), 'utf8'));
    const args = ['--model', dir, '--text', text_only.prompt, '--max-new-tokens', '16', '--json'];
    const { stdout } = await runSmolvlmHere(['inspect', 'generate', ...args]);
    assert.deepEqual(JSON.parse(stdout).ids, text_only.ids.slice(4));
  });

  it('scores choices', async () => {
    const args = ['--choices', 'It is day.,It is night.', '--prompt', 'Is it day or night?', '--json'];
    const { stdout } = await runSmolvlmHere([...onFrame, ...args]);
    assert.equal(JSON.parse(stdout).text, 'It is night.');
  });

  for (const [name, args, code, message] of [
    ['a missing picture', ['--model', 'demo'], 2, /--image is missing/],
    [
      'a wrong detail',
      ['--model', 'demo', '--image', frame, '--detail', 'high'],
      2,
      /expected low or full, received "high"/,
    ],
    [
      'a picture that is not there',
      ['--model', 'demo', '--image', '/nowhere.jpg'],
      1,
      /nowhere\.jpg.*\[image-missing\]/,
    ],
    ['a model that is not there', ['--model', 'a/b', '--image', frame], 1, /smolvlm pull a\/b/],
  ] as const) {
    it(`reports ${name} and exits ${code}`, async () => {
      const { status, stderr } = await runSmolvlmHere(['caption', ...args]);
      assert.equal(status, code);
      assert.match(stderr, message);
    });
  }
});
