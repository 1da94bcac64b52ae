import assert from 'node:assert/strict';
import type { ValidateFunction } from 'ajv';
import Ajv2020 from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { errorBody } from '../../../src/errors';
import { parseAnswerSchema } from '../../../src/protocol/answer-schema';
import { fuzz, fuzzTimeoutMs, mutatedJson } from '../../fuzz';
import { randomModel, write } from './random-writer';

const document = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 2, maxLength: 8, pattern: '^[a-z"\\\\ü]+(-\\d{2,3})?$' },
    when: { type: 'string', format: 'time' },
    share: { type: 'number', minimum: -0.25, exclusiveMaximum: 1.5 },
    step: { type: 'integer', minimum: -40, maximum: 1300, multipleOf: 7 },
    kind: { anyOf: [{ const: 'a' }, { type: 'null' }, { $ref: '#/$defs/pair' }] },
    more: { type: ['string', 'integer'], nullable: true },
    next: { oneOf: [{ $ref: '#/$defs/node' }, { type: 'boolean' }] },
  },
  required: ['name', 'step'],
  additionalProperties: { type: 'boolean' },
  $defs: {
    node: { type: 'object', properties: { next: { $ref: '#/$defs/node' } }, additionalProperties: false },
    pair: {
      type: 'array',
      prefixItems: [{ type: 'integer' }, { enum: [1, 'x'] }],
      items: false,
      minItems: 1,
    },
  },
};

describe('JSON schemas, fuzzed', function () {
  this.timeout(fuzzTimeoutMs);

  it('are refused with a place, or what is written is valid to ajv', async () => {
    await fuzz(
      fc.property(mutatedJson(document), fc.integer({ min: 1, max: 1e6 }), (schema, seed) => {
        const validate = compiled(schema);
        // What is not a schema to ajv cannot be judged by it.
        if (!validate) return;
        let text: string;
        try {
          const parsed = parseAnswerSchema(schema, 'schema', { optionalByDefault: true });
          text = write(parsed, 90 + (seed % 60), randomModel(seed)).text;
        } catch (error) {
          const { code } = errorBody(error);
          assert.match(code, /^(request-json-schema|caption-json-(size|room|vocabulary))$/, String(error));
          return;
        }
        assert.ok(validate(JSON.parse(text)), `${text} ${JSON.stringify(validate.errors)}`);
      }),
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
