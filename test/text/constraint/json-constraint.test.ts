import assert from 'node:assert/strict';
import { type AnswerSchema, parseAnswerSchema } from '../../../src/protocol/schema/answer-schema';
import { JsonConstraint } from '../../../src/text/constraint/json-constraint';
import { TokenTrie } from '../../../src/text/constraint/token-trie';
import { pieces, randomModel, stopToken as stop, trie, wordToken, write } from './random-writer';

const scene: AnswerSchema = {
  type: 'object',
  properties: {
    people: { type: 'integer', minimum: 0, maximum: 40 },
    night: { type: 'boolean' },
    weather: { enum: ['sunny', 'wet', null, 'weiß nicht'] },
    objects: { type: 'array', maxItems: 3, items: { type: 'string', maxLength: 6 } },
    where: { type: 'object', properties: { x: { type: 'number' }, 'a "name"': { type: 'string' } } },
  },
};

function checkScene(text: string): void {
  const value = JSON.parse(text) as Record<string, never>;
  assert.deepEqual(Object.keys(value), ['people', 'night', 'weather', 'objects', 'where']);
  const { people, night, weather, objects, where } = value as unknown as {
    people: number;
    night: unknown;
    weather: unknown;
    objects: string[];
    where: Record<string, unknown>;
  };
  assert.ok(Number.isInteger(people) && people >= 0 && people <= 40, `${people}`);
  assert.equal(typeof night, 'boolean');
  assert.ok(['sunny', 'wet', null, 'weiß nicht'].includes(weather as string));
  assert.ok(objects.length <= 3 && objects.every((each) => [...each].length <= 6), text);
  assert.equal(typeof where.x, 'number');
  assert.equal(typeof where['a "name"'], 'string');
  assert.ok(!text.includes('\uFFFD'), 'whole characters only');
}

describe('JsonConstraint', () => {
  it('makes any model write JSON that parses and matches, with any sufficient number of tokens', () => {
    for (let seed = 1; seed <= 150; seed++) {
      const { text, tokens } = write(scene, 90 + (seed % 60), randomModel(seed));
      assert.ok(tokens <= 90 + (seed % 60));
      checkScene(text);
    }
  });

  it('ends an endless answer while there are tokens left to complete it', () => {
    const schema = parseAnswerSchema({ type: 'object', properties: { s: { type: 'string' } } });
    const chatty = Float32Array.from(pieces, (_, id) =>
      id === 'a'.charCodeAt(0) ? 9 : id === stop ? -9 : 0,
    );
    const { text, tokens } = write(schema, 20, () => chatty);
    assert.equal(tokens, 20);
    assert.match(JSON.parse(text).s, /^a{9,}$/);
  });

  it('allows the end of the text only when the value is complete', () => {
    const eager = Float32Array.from(pieces, (_, id) => (id === stop ? 9 : id === '7'.charCodeAt(0) ? 1 : 0));
    assert.equal(write({ type: 'integer' }, 10, () => eager).text, '7');
    assert.equal(write({ enum: ['ok'] }, 10, () => eager).text.trim(), '"ok"');
  });

  it('allows a token of several bytes if the model prefers it', () => {
    const wish = 'person';
    const first = Float32Array.from(pieces, (_, id) => (id === wordToken(wish) ? 5 : 0));
    const { text } = write({ type: 'string', maxLength: 12 }, 40, () => first);
    assert.equal(JSON.parse(text), 'personperson');
  });

  it('reports how many tokens the shortest answer takes', () => {
    assert.throws(() => new JsonConstraint(scene, trie, [stop], 20), { code: 'caption-json-room' });
    assert.throws(() => new JsonConstraint({ enum: ['ab'] }, trie, [stop], 3), /4 tokens; 3 are allowed/);
  });

  it('reports a vocabulary that cannot write a schema', () => {
    const digits = new TokenTrie(pieces.map((piece, id) => (id > 47 && id < 58 ? piece : undefined)));
    assert.throws(() => new JsonConstraint({ type: 'boolean' }, digits, [stop], 30), {
      code: 'caption-json-vocabulary',
    });
  });

  it('refuses a schema that allows too many answers', () => {
    const items = { type: 'array', maxItems: 64, items: { type: 'string', maxLength: 1000 } } as const;
    assert.throws(() => new JsonConstraint(items, trie, [stop], 30), { code: 'caption-json-size' });
  });
});
