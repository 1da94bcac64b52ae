import assert from 'node:assert/strict';
import { parseAnswerSchema } from '../../../src/protocol/schema/answer-schema';

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
      required: ['people'],
      properties: {
        people: { type: 'integer', minimum: 0 },
        labels: { type: 'array', maxItems: 4, items: { enum: ['cat', 'dog', 3, null] } },
      },
    });
  });

  it('has required properties where an object does not say, or optional ones, as JSON Schema has it', () => {
    const schema = object({ a: { type: 'boolean' } });
    assert.deepEqual(parseAnswerSchema(schema), schema);
    const optional = parseAnswerSchema(schema, 'x', { optionalByDefault: true });
    assert.deepEqual(optional, { ...(schema as object), required: [] });
  });

  it('joins what is combined: references, allOf, anyOf, nullable, lists of types', () => {
    const parsed = parseAnswerSchema({
      $defs: { animal: { enum: ['cat', 'dog'] } },
      type: 'object',
      properties: {
        a: { $ref: '#/$defs/animal', description: 'which' },
        b: { anyOf: [{ $ref: '#/$defs/animal' }, { type: 'null' }], default: null },
        c: { type: 'string', nullable: true },
        d: { type: ['integer', 'null'], minimum: 3 },
        e: { allOf: [{ type: 'integer', minimum: 1 }], maximum: 5, title: 'E' },
        f: { const: 'x', type: 'string' },
      },
    });
    const animal = { enum: ['cat', 'dog'] };
    const none = { enum: [null] };
    assert.deepEqual(parsed, {
      type: 'object',
      properties: {
        a: animal,
        b: { anyOf: [animal, none] },
        c: { anyOf: [{ type: 'string' }, none] },
        d: { anyOf: [{ type: 'integer', minimum: 3 }, none] },
        e: { type: 'integer', minimum: 1, maximum: 5 },
        f: { enum: ['x'] },
      },
    });
  });

  it('follows a reference into itself three times, and refuses one that cannot end', () => {
    const node = { type: 'object', properties: { next: { anyOf: [{ $ref: '#' }, { type: 'null' }] } } };
    const levels = JSON.stringify(parseAnswerSchema(node)).split('"next"').length - 1;
    assert.equal(levels, 4);
    const endless = object({ next: { $ref: '#' } });
    assert.throws(() => parseAnswerSchema(endless), /expected a schema that some value matches/);
    assert.throws(() => parseAnswerSchema({ $ref: '#' }), /references to themselves/);
  });

  it('accepts oneOf only where no value fits two of its options', () => {
    const shape = (kind: string) => ({
      type: 'object',
      properties: { kind: { const: kind }, size: { type: 'integer' } },
      required: ['kind'],
    });
    const parsed = parseAnswerSchema({
      oneOf: [shape('a'), shape('b')],
      discriminator: { propertyName: 'kind' },
    });
    assert.ok('anyOf' in parsed && parsed.anyOf.length === 2);
    assert.throws(
      () => parseAnswerSchema({ oneOf: [shape('a'), shape('a')] }),
      /jsonSchema\.oneOf: expected options/,
    );
    assert.throws(() => parseAnswerSchema({ oneOf: [{ minimum: 3 }, { type: 'string' }] }), /oneOf/);
  });

  it('gives a schema that it parses to itself, since clients send parsed ones', () => {
    for (const schema of [
      {},
      { type: 'object' },
      { type: 'object', additionalProperties: false },
      { type: 'array', items: false },
      { type: 'array', prefixItems: [{ type: 'integer' }], items: false },
      { type: 'object', properties: { a: { type: 'string', format: 'date' } }, required: [] },
      { type: 'number', exclusiveMinimum: 0 },
    ]) {
      const parsed = parseAnswerSchema(schema);
      assert.deepEqual(parseAnswerSchema(parsed), parsed, JSON.stringify(schema));
    }
  });

  for (const [fault, schema, message] of [
    ['no object', 'people', /^jsonSchema: expected a schema object, received "people"/],
    [
      'an unknown type',
      { type: 'date' },
      /^jsonSchema\.type: expected one of object, array, string, integer/,
    ],
    [
      'a keyword that would not be kept',
      object({ a: { not: { type: 'null' } } }),
      /^jsonSchema\.properties\.a\.not: /,
    ],
    [
      'a pattern that looks ahead',
      object({ a: { type: 'string', pattern: '(?=x)' } }),
      /^jsonSchema\.properties\.a\.pattern: expected a pattern of characters/,
    ],
    ['a format', { type: 'string', format: 'iri' }, /^jsonSchema\.format: expected one of date, time/],
    ['a list of unique items', { type: 'array', uniqueItems: true }, /^jsonSchema\.uniqueItems: /],
    ['a foreign reference', { $ref: 'https://schemas.example/a' }, /^jsonSchema\.\$ref: .*into this schema/],
    ['a reference to nothing', { $ref: '#/$defs/a' }, /^jsonSchema\.\$ref: expected a reference to a part/],
    ['an empty enum', { enum: [] }, /enum: expected a list of 1 to 256 values/],
    [
      'a type without values of an enum',
      { type: 'string', enum: [1] },
      /^jsonSchema: .*that some value matches/,
    ],
    [
      'a minimum above the maximum',
      { type: 'integer', minimum: 3, maximum: 2 },
      /maximum: expected at least minimum \(3\)/,
    ],
    ['a range without a number', { type: 'integer', minimum: 0.2, maximum: 0.8 }, /that some value matches/],
    [
      'a step that is not whole',
      { type: 'number', multipleOf: 0.01 },
      /^jsonSchema\.multipleOf: expected an integer/,
    ],
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
