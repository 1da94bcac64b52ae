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
  'an address on the web': z.object({ page: z.url() }),
  'a host name, a duration and an IPv6 address': z.object({
    host: z.hostname(),
    lasts: z.iso.duration(),
    at: z.ipv6(),
  }),
  'formats that repeat a pattern': z.object({
    id: z.nanoid(),
    phone: z.e164(),
    plate: z.string().startsWith('KA-').max(9),
  }),
  'records with listed names': z.object({
    all: z.record(z.enum(['cats', 'dogs']), z.int()),
    some: z.partialRecord(z.enum(['cats', 'dogs']), z.int()),
  }),
  'a field that is never given': z.object({ a: z.boolean(), b: z.never().optional() }),
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

  // model_json_schema() of pydantic 2.13
  const color = { enum: ['red', 'green', 'blue'], type: 'string' };
  const set = { type: 'array', uniqueItems: true };
  const fields: Readonly<Record<string, object>> = {
    'set[str]': { ...set, items: { type: 'string' } },
    'Annotated[set[str], Len(2, 4)]': { ...set, items: { type: 'string' }, minItems: 2, maxItems: 4 },
    'set[constr(max_length=12)]': { ...set, items: { type: 'string', minLength: 1, maxLength: 12 } },
    'set[Color]': { ...set, items: color },
    'conset(Color, min_length=2)': { ...set, items: color, minItems: 2 },
    'set[conint(ge=1, le=6)]': { ...set, items: { type: 'integer', minimum: 1, maximum: 6 }, maxItems: 3 },
    'dict[Color, int]': { type: 'object', propertyNames: color, additionalProperties: { type: 'integer' } },
    HttpUrl: { type: 'string', format: 'uri', minLength: 1, maxLength: 2083 },
    timedelta: { type: 'string', format: 'duration' },
    IPv6Address: { type: 'string', format: 'ipv6' },
    UUID4: { type: 'string', format: 'uuid4' },
    Path: { type: 'string', format: 'path' },
    SecretStr: { type: 'string', format: 'password', writeOnly: true },
  };
  for (const [field, schema] of Object.entries(fields)) {
    it(`are kept: ${field} of pydantic`, () => {
      const ajv = addFormats(new Ajv2020({ strict: false, logger: false }));
      const parsed = parseAnswerSchema(schema, 'schema', { optionalByDefault: true });
      for (let seed = 1; seed <= 3; seed++) {
        const { text } = write(parsed, 100, randomModel(seed));
        assert.ok(ajv.validate(schema, JSON.parse(text)), text);
      }
    });
  }

  it('are refused with their place: sets of any integers, or of strings with a pattern', () => {
    for (const items of [{ type: 'integer' }, { type: 'string', pattern: '^a' }, {}]) {
      assert.throws(() => parseAnswerSchema({ ...set, items }, 'schema'), /^\w*Error: schema\.uniqueItems: /);
    }
  });

  it('write as many unique strings as are accepted, and refuse more with their place', () => {
    const parsed = parseAnswerSchema(
      { ...set, items: { type: 'string' }, minItems: 36, maxItems: 36 },
      'schema',
    );
    const { text } = write(parsed, 400, randomModel(1));
    assert.equal(new Set(JSON.parse(text)).size, 36);
    for (const [items, minItems] of [
      [{ type: 'string' }, 37],
      [{ type: 'string', maxLength: 0 }, 2],
    ] as const) {
      const schema = { ...set, items, minItems };
      assert.throws(() => parseAnswerSchema(schema, 'schema'), { code: 'request-json-schema' });
    }
  });

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
