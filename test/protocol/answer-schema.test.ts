import assert from 'node:assert/strict';
import { parseAnswerSchema } from '../../src/protocol/answer-schema';

const object = (properties: unknown): unknown => ({ type: 'object', properties });

describe('parseAnswerSchema', () => {
  it('keeps the keywords that constrain an answer and leaves out the others', () => {
    const schema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      title: 'Scene',
      required: ['people'],
      additionalProperties: false,
      properties: {
        people: { type: 'integer', minimum: 0, description: 'how many' },
        labels: { type: 'array', maxItems: 4, items: { enum: ['cat', 'dog', 3, null] } },
      },
    };
    assert.deepEqual(parseAnswerSchema(schema), {
      type: 'object',
      properties: {
        people: { type: 'integer', minimum: 0 },
        labels: { type: 'array', maxItems: 4, items: { enum: ['cat', 'dog', 3, null] } },
      },
    });
  });

  for (const [fault, schema, message] of [
    ['no object', 'people', /^jsonSchema: expected a schema object, received "people"/],
    ['an unknown type', { type: 'date' }, /^jsonSchema\.type: expected one of string, integer/],
    ['no type', object({ a: {} }), /^jsonSchema\.properties\.a\.type: .*received nothing/],
    [
      'a keyword that would not be kept',
      object({ a: { type: 'string', pattern: 'x' } }),
      /a: .*received "pattern"/,
    ],
    ['no properties', object({}), /^jsonSchema\.properties: expected an object with at least one/],
    [
      'a required name that is not a property',
      { ...(object({ a: { type: 'boolean' } }) as object), required: ['b'] },
      /required: .*"b"/,
    ],
    ['an empty enum', { enum: [] }, /enum: expected a list of 1 to 256 values/],
    ['an object in an enum', { enum: [{}] }, /enum: expected strings, numbers/],
    ['an array without items', { type: 'array' }, /items: expected a schema object, received nothing/],
    [
      'a minimum above the maximum',
      { type: 'integer', minimum: 3, maximum: 2 },
      /maximum: expected at least minimum \(3\)/,
    ],
    ['a fraction as a bound', { type: 'integer', minimum: 0.5 }, /minimum: expected an integer/],
    ['a bound of a number', { type: 'number', minimum: 0 }, /received "minimum"/],
  ] as const) {
    it(`refuses ${fault}, and says where`, () => {
      assert.throws(() => parseAnswerSchema(schema), { code: 'request-json-schema', message });
    });
  }

  it('refuses a schema that goes too deep', () => {
    let schema: unknown = { type: 'boolean' };
    for (let level = 0; level < 9; level++) schema = { type: 'array', items: schema };
    assert.throws(() => parseAnswerSchema(schema), /at most 8 levels/);
  });
});
