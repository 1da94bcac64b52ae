import assert from 'node:assert/strict';
import { exampleSchema } from '../../../src/node-red/caption/caption-fields';
import { parseSchemaField } from '../../../src/node-red/caption/schema-field';

describe('parseSchemaField, for dialog and runtime', () => {
  it('accepts the schema that a new node begins with', () => {
    assert.ok(parseSchemaField(exampleSchema).schema);
  });

  it('accepts descriptions and keeps them in the document', () => {
    const text = '{"title": "How many", "type": "number", "description": "all of them"}';
    assert.deepEqual(parseSchemaField(text), { schema: { type: 'number' }, document: JSON.parse(text) });
  });

  it('says what is wrong with text that is not JSON', () => {
    assert.throws(() => parseSchemaField('{'), {
      code: 'node-property',
      message: /expected a JSON schema.*received \{$/,
    });
    assert.throws(() => parseSchemaField(''), { code: 'node-property', message: /received nothing$/ });
  });

  for (const [schema, path] of [
    [{ type: 'date' }, 'schema.type'],
    [[], 'schema'],
    [{ type: 'object', properties: [] }, 'schema.properties'],
    [{ type: 'object', properties: { a: { not: { type: 'null' } } } }, 'schema.properties.a.not'],
    [{ type: 'array', items: 3 }, 'schema.items'],
    [{ type: 'integer', minimum: '0' }, 'schema.minimum'],
    [{ type: 'integer', minimum: 5, maximum: 1 }, 'schema.maximum'],
    [{ enum: [] }, 'schema.enum'],
  ] as const) {
    it(`names ${path} in ${JSON.stringify(schema)}`, () => {
      assert.throws(
        () => parseSchemaField(JSON.stringify(schema)),
        (error: Error) => error.message.startsWith(`${path}: expected `),
      );
    });
  }
});
