import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv2020 from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { errorBody } from '../../../src/errors';
import { parseAnswerSchema } from '../../../src/protocol/schema/answer-schema';
import { fixture } from '../../fixtures';
import { repetitions } from '../../quick-loop';
import { randomModel, write } from './random-writer';

/** Of JSON-Schema-Test-Suite, draft 2020-12: the files of the supported keywords, unchanged. */
const folder = fixture('json-schema-test-suite');

interface Group {
  readonly description: string;
  readonly schema: object | boolean;
}

const files = [
  ...readdirSync(folder).filter((name) => name.endsWith('.json')),
  ...readdirSync(join(folder, 'format')).map((name) => join('format', name)),
];

/** Answers for each schema, every one by another model. */
const answers = repetitions(4, 1);

describe('JSON-Schema-Test-Suite', function () {
  this.timeout(120_000);
  let written = 0;
  const refused: string[] = [];

  for (const file of files) {
    it(`${file}: what is written is valid, what is not supported is refused with its place`, () => {
      const groups: Group[] = JSON.parse(readFileSync(join(folder, file), 'utf8'));
      for (const { description, schema } of groups) {
        const what = `${file}: ${description}`;
        if (!answer(schema, what)) refused.push(what);
      }
    });
  }

  it('is written for 140 of its schemas', () => {
    assert.ok(written >= 140, `${written} schemas written, refused: ${refused.join('\n')}`);
  });

  /** @returns whether the schema is supported */
  function answer(schema: object | boolean, what: string): boolean {
    const ajv = new Ajv2020({ strict: false, ownProperties: true });
    addFormats(ajv);
    try {
      const parsed = parseAnswerSchema(schema, 'schema', { optionalByDefault: true });
      const validate = ajv.compile(schema);
      for (let seed = 1; seed <= answers; seed++) {
        const { text } = write(parsed, 100 + 20 * seed, randomModel(seed));
        assert.ok(validate(JSON.parse(text)), `${what}: ${text} ${JSON.stringify(validate.errors)}`);
      }
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      const { code, message } = errorBody(error);
      assert.match(
        code,
        /^(request-json-schema|caption-json-(size|room|vocabulary))$/,
        `${what}: ${message}`,
      );
      if (code === 'request-json-schema') assert.match(message, /^schema[^:]*: expected/);
      return false;
    }
    written += 1;
    return true;
  }
});
