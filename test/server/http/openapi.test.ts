import assert from 'node:assert/strict';
import { Ajv } from 'ajv';
import { chatCompletionSchema } from '../../../src/server/openai/chat/chat-schema';
import type { ServedEngine } from '../../../src/server/serve-engine';
import { serveFake } from '../served-fake';

type Parsed = ReturnType<typeof JSON.parse>;

describe('GET /openapi.json', () => {
  let served: ServedEngine;
  let document: Parsed;
  before(async () => {
    served = await serveFake();
    document = await (await fetch(`${served.url}/openapi.json`)).json();
  });
  after(() => served.close());

  it('lists each route once, with its parameters', () => {
    assert.deepEqual(Object.keys(document.paths).sort(), [
      '/health',
      '/v1/chat/completions',
      '/v1/completions',
      '/v1/frames/describe',
      '/v1/models',
      '/v1/models/{id}',
      '/v1/requests/{id}',
      '/v1/responses',
      '/v1/smolvlm/doctor',
      '/v1/status',
    ]);
    assert.equal(document.paths['/v1/requests/{id}'].delete.parameters[0].name, 'id');
    assert.equal(document.paths['/v1/smolvlm/doctor'].get.parameters[0].in, 'query');
  });

  it('has the very schemas that check requests', () => {
    const { content } = document.paths['/v1/chat/completions'].post.requestBody;
    assert.deepEqual(content['application/json'].schema, JSON.parse(JSON.stringify(chatCompletionSchema)));
  });

  it('has schemas that are valid themselves: the engine does not check them', () => {
    const ajv = new Ajv({ allowUnionTypes: true });
    const operations: readonly Parsed[] = Object.values(document.paths).flatMap((path) =>
      Object.values(path as Parsed),
    );
    const schemas = operations.flatMap(({ parameters = [], requestBody }) => [
      ...parameters.map(({ schema }: Parsed) => schema),
      ...Object.values(requestBody?.content ?? {}).map((content) => (content as Parsed).schema),
    ]);
    assert.ok(schemas.length > 5, `${schemas.length} schemas`);
    for (const schema of schemas) assert.ok(ajv.validateSchema(schema), JSON.stringify(ajv.errors));
    assert.equal(ajv.validateSchema({ type: 'text' }), false);
  });
});

describe('requests that no route answers', () => {
  let served: ServedEngine;
  before(async () => {
    served = await serveFake();
  });
  after(() => served.close());

  it('are refused with the methods that the address has, or as unknown', async () => {
    const wrong = await fetch(`${served.url}/v1/requests/a`, { method: 'PUT' });
    assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'DELETE']);
    const unknown = await fetch(`${served.url}/v1/embeddings`, { method: 'POST', body: '{}' });
    const { error } = (await unknown.json()) as Parsed;
    assert.deepEqual(
      [unknown.status, error.code, error.type],
      [404, 'request-unknown-path', 'invalid_request_error'],
    );
  });

  it('are refused in the form of all other errors when they are not HTTP, or too long', async () => {
    const long = await fetch(`${served.url}/v1/models/${'a'.repeat(20_000)}`);
    const { error } = (await long.json()) as Parsed;
    assert.deepEqual([long.status, error.code], [431, 'request-refused']);
    const bad = await fetch(`${served.url}/v1/models/%zz`);
    assert.deepEqual([bad.status, ((await bad.json()) as Parsed).error.code], [400, 'request-refused']);
  });
});
