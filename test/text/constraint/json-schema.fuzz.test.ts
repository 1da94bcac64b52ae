import assert from 'node:assert/strict';
import type { ValidateFunction } from 'ajv';
import Ajv2020 from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { errorBody } from '../../../src/errors';
import { parseAnswerSchema } from '../../../src/protocol/schema/answer-schema';
import { fuzz, fuzzTimeoutMs, mutatedJson } from '../../fuzz';
import { randomModel, write } from './random-writer';

const documents: readonly object[] = [
  { type: 'string', minLength: 2, maxLength: 8, pattern: '^[a-z"\\\\ü]+(-\\d{2,3})?$' },
  { type: 'string', format: 'date' },
  { type: 'string', format: 'uri', maxLength: 300 },
  { type: 'array', uniqueItems: true, items: { type: 'string', maxLength: 9 }, minItems: 1, maxItems: 3 },
  {
    type: 'array',
    items: { enum: ['a', 1, { b: 1, c: 2 }, { c: 2, b: 1 }] },
    uniqueItems: true,
    minItems: 2,
  },
  {
    type: 'object',
    propertyNames: { enum: ['a', 'b', 'c'] },
    properties: { a: { const: 1 } },
    additionalProperties: { type: 'boolean' },
  },
  { type: 'number', minimum: -0.25, exclusiveMaximum: 1.5 },
  { type: 'integer', minimum: -40, maximum: 1300, multipleOf: 7 },
  {
    $defs: {
      pair: {
        type: 'array',
        prefixItems: [{ type: 'integer' }, { enum: [1, 'x'] }],
        items: false,
        minItems: 1,
      },
    },
    anyOf: [{ const: 'a' }, { type: 'null' }, { $ref: '#/$defs/pair' }],
  },
  { type: ['string', 'integer'], nullable: true, maxLength: 3, exclusiveMinimum: 7 },
  {
    $defs: {
      node: { type: 'object', properties: { next: { $ref: '#/$defs/node' } }, additionalProperties: false },
    },
    oneOf: [{ $ref: '#/$defs/node' }, { type: 'boolean' }],
  },
  {
    type: 'object',
    properties: { a: { const: 1 }, b: { type: 'boolean' }, c: { allOf: [{ minimum: 2 }], type: 'integer' } },
    required: ['b'],
    additionalProperties: { type: 'boolean' },
  },
];

describe('JSON schemas, fuzzed', function () {
  this.timeout(fuzzTimeoutMs);

  it('are refused with a place, or what is written is valid to ajv', async () => {
    await fuzz(
      fc.property(
        fc.constantFrom(...documents).chain(mutatedJson),
        fc.integer({ min: 1, max: 1e6 }),
        (schema, seed) => {
          const validate = compiled(schema);
          // What is not a schema to ajv cannot be judged by it.
          if (!validate) return;
          let text: string;
          try {
            const parsed = parseAnswerSchema(schema, 'schema', { optionalByDefault: true });
            text = write(parsed, 60 + (seed % 60), randomModel(seed)).text;
          } catch (error) {
            const { code } = errorBody(error);
            assert.match(code, /^(request-json-schema|caption-json-(size|room|vocabulary))$/, String(error));
            return;
          }
          assert.ok(validate(JSON.parse(text)), `${text} ${JSON.stringify(validate.errors)}`);
        },
      ),
    );
  });
});

const ajv = new Ajv2020({ strict: false, ownProperties: true, logger: false, addUsedSchema: false });
addFormats(ajv);

function compiled(schema: unknown): ValidateFunction | undefined {
  try {
    return ajv.compile(schema as object);
  } catch {
    return undefined;
  }
}
