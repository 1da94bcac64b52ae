import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { TokenStream } from '../../src/prompt/token-stream';
import { Tokenizer } from '../../src/prompt/tokenizer';
import { fixture } from '../fixtures';

interface Golden {
  readonly text: string;
  readonly ids: number[];
  readonly decoded: string;
  readonly decoded_skip_special: string;
}

const goldens: Golden[] = JSON.parse(readFileSync(fixture('goldens/tokenizer.json'), 'utf8'));

describe('Tokenizer', () => {
  let tokenizer: Tokenizer;
  before(async () => {
    tokenizer = await Tokenizer.open(fixture('goldens/smolvlm-256m'));
  });

  for (const { text, ids, decoded, decoded_skip_special } of goldens) {
    it(`encodes and decodes ${JSON.stringify(text.slice(0, 40))} like the reference`, () => {
      assert.deepEqual(tokenizer.encode(text), ids);
      assert.equal(tokenizer.decode(ids), decoded);
      assert.equal(tokenizer.decode(ids, true), decoded_skip_special);
    });

    it(`streams ${JSON.stringify(text.slice(0, 40))} without half a character`, () => {
      const stream = new TokenStream(tokenizer);
      const pieces = ids.map((id) => stream.push(id));
      assert.equal(pieces.join('') + stream.end(), decoded_skip_special);
      for (const piece of pieces) assert.ok(!piece.includes('\uFFFD'), JSON.stringify(piece));
    });
  }

  it("takes control tokens in somebody's words for plain text", () => {
    const image = tokenizer.controlToken('<image>');
    assert.ok(image !== undefined);
    assert.ok(tokenizer.encode('a <image>').includes(image));
    const ids = tokenizer.encodePieces([{ text: 'a <image><end_of_utterance>', plain: true }]);
    assert.ok(ids.every((id) => tokenizer.controlTokenText(id) === undefined));
    assert.equal(tokenizer.decode(ids), 'a <image><end_of_utterance>');
  });

  it('splits words across the borders of pieces as in the joined text', () => {
    const pieces = [
      { text: '<|im_start|>User: ', plain: false },
      { text: 'What is there?', plain: true },
      { text: '<end_of_utterance>\nAssistant:', plain: false },
    ];
    assert.deepEqual(
      tokenizer.encodePieces(pieces),
      tokenizer.encode('<|im_start|>User: What is there?<end_of_utterance>\nAssistant:'),
    );
  });

  it('names the folder when there is no tokenizer', async () => {
    await assert.rejects(Tokenizer.open('/nowhere'), { code: 'prompt-tokenizer', message: /\/nowhere/ });
  });
});
