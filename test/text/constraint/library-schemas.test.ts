import assert from 'node:assert/strict';
import Ajv2020 from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { z } from 'zod';
import { parseAnswerSchema } from '../../../src/protocol/schema/answer-schema';
import { randomModel, write } from './random-writer';

/** As zod 4 writes them with `z.toJSONSchema`; zod itself judges the answers. */
const schemas: Readonly<Record<string, z.ZodType>> = {
  'an email address': z.object({ contact: z.email() }),
  'a record': z.object({ counts: z.record(z.string(), z.int().min(0).max(9)) }),
  'an integer': z.object({ people: z.int() }),
  'a date and a time': z.object({ day: z.iso.date(), at: z.iso.datetime() }),
  'a UUID': z.uuid(),
  'a tuple': z.tuple([z.string().max(5), z.boolean()]),
  'a union told apart by a field': z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('person'), age: z.int().min(0).max(120) }),
    z.object({ kind: z.literal('car'), colour: z.enum(['red', 'blue']) }),
  ]),
  'optional and nullable fields': z.object({ a: z.string().max(9).optional(), b: z.number().nullable() }),
};

describe('schemas that libraries write', () => {
  for (const [what, schema] of Object.entries(schemas)) {
    it(`are kept: ${what} of zod`, () => {
      const parsed = parseAnswerSchema(z.toJSONSchema(schema), 'schema', { optionalByDefault: true });
      for (let seed = 1; seed <= 3; seed++) {
        const { text } = write(parsed, 400, randomModel(seed));
        assert.doesNotThrow(() => schema.parse(JSON.parse(text)), text);
      }
    });
  }

  it('are kept: a Decimal of pydantic', () => {
    // model_json_schema() of pydantic 2.12
    const decimal = { type: 'string', pattern: '^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$' };
    const schema = { type: 'object', properties: { price: { anyOf: [{ type: 'number' }, decimal] } } };
    const ajv = addFormats(new Ajv2020());
    for (const each of [decimal, schema]) {
      const parsed = parseAnswerSchema(each, 'schema', { optionalByDefault: true });
      for (let seed = 1; seed <= 3; seed++) {
        const { text } = write(parsed, 200, randomModel(seed));
        assert.ok(ajv.validate(each, JSON.parse(text)), text);
      }
    }
  });
});
