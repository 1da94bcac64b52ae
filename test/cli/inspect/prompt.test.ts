import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { fixture } from '../../fixtures';
import { useTempFolder } from '../../temp-folder';
import { runSmolvlmHere } from '../run-smolvlm-here';

const model = fixture('goldens/smolvlm-256m');
const goldens = JSON.parse(readFileSync(fixture('goldens/prompts.json'), 'utf8'));

async function inspect(...args: string[]) {
  const { stdout, stderr } = await runSmolvlmHere(['inspect', ...args, '--model', model, '--json']);
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout);
}

describe('smolvlm inspect', () => {
  const temp = useTempFolder();

  it('tokenize prints the reference’s ids and text', async () => {
    const golden = JSON.parse(readFileSync(fixture('goldens/tokenizer.json'), 'utf8'))[5];
    assert.deepEqual(await inspect('tokenize', '--text', golden.text), {
      ids: golden.ids,
      decoded: golden.decoded,
    });
    assert.deepEqual(await inspect('tokenize', '--text', ''), { ids: [], decoded: '' });
  });

  it('prompt prints the reference’s conversation', async () => {
    const { messages, sizes, chat, input_ids } = goldens.conversation;
    await writeFile(temp('messages.json'), JSON.stringify(messages));
    const size = `${sizes[0][0]}x${sizes[0][1]}`;
    const document = await inspect(
      'prompt',
      '--messages',
      temp('messages.json'),
      '--sizes',
      size,
      '--detail',
      'full',
    );
    assert.deepEqual(document, { chat, input_ids });
  });

  it('tiles writes the reference’s tiles, byte for byte', async () => {
    const image = fixture('goldens/preprocess/tall_200x610.png');
    const document = await inspect('tiles', '--image', image, '--detail', 'full', '--out', temp('tiles.png'));
    assert.deepEqual([document.tiles, document.rows, document.cols], [9, 4, 2]);
    const pixels = (path: string) => sharp(path).removeAlpha().raw().toBuffer();
    const expected = await pixels(fixture('goldens/preprocess/tall_200x610.tiles.png'));
    assert.ok((await pixels(temp('tiles.png'))).equals(expected));
  });

  for (const [name, args, message] of [
    ['sizes that are none', ['--messages', '/dev/null', '--sizes', '640*480'], /expected a list|JSON/],
    ['messages that are none', ['--messages', '/nowhere.json'], /nowhere\.json/],
  ] as const) {
    it(`prompt refuses ${name} with exit status 2`, async () => {
      const { status, stderr } = await runSmolvlmHere(['inspect', 'prompt', '--model', model, ...args]);
      assert.equal(status, 2);
      assert.match(stderr, message);
    });
  }
});
