import type { FastifyInstance } from 'fastify';
import type { Engine } from '../engine/engine';
import { SmolvlmError } from '../errors';
import { parseAnswerSchema } from '../protocol/answer-schema';
import type { DescribeRequest } from '../protocol/describe-request';
import { eventStreamType } from '../protocol/ndjson';
import { describeRequestSchema } from '../protocol/request-schema';
import { sendEvents } from './event-response';
import { readFormParts } from './form-parts';
import { schemaError } from './server-errors';

/** `POST /v1/frames/describe` and `DELETE /v1/requests/:id`: the native protocol. */
export function registerDescribe(app: FastifyInstance, engine: Engine): void {
  app.addContentTypeParser('multipart/form-data', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );

  app.post('/v1/frames/describe', async (request, reply) => {
    const { body } = request;
    if (!Buffer.isBuffer(body)) {
      throw new SmolvlmError('request-form', 'expected a body of multipart/form-data, received none');
    }
    const form = await readFormParts(request.headers['content-type'] ?? '', body);
    const validate = request.compileValidationSchema(describeRequestSchema);
    if (!validate(form.request)) throw schemaError('request', validate.errors ?? []);
    const describe = checkAnswer(checkImages(form.request as DescribeRequest, form.pictures.length));
    const stream = engine.submit(describe, form.pictures);
    reply.header('content-type', eventStreamType);
    await sendEvents(reply, stream);
    return reply;
  });

  app.delete<{ Params: { id: string } }>('/v1/requests/:id', async (request) => {
    return { cancelled: engine.cancel(request.params.id) };
  });
}

/** @throws SmolvlmError `request-images` when the messages speak of more or fewer pictures than came */
export function checkImages(request: DescribeRequest, pictures: number): DescribeRequest {
  if (!request.messages) return request;
  const parts = request.messages.flatMap(({ content }) => content.filter(({ type }) => type === 'image'));
  if (parts.length === pictures) return request;
  throw new SmolvlmError(
    'request-images',
    `the messages have ${parts.length} image parts, but ${pictures} pictures came with them`,
  );
}

/** @throws SmolvlmError `request-json-schema`; `request-answer` when the answer is asked for in two forms */
export function checkAnswer(request: DescribeRequest): DescribeRequest {
  if (request.jsonSchema === undefined) return request;
  const other = request.choices ? 'choices' : request.stop ? 'stop' : undefined;
  if (other !== undefined) {
    throw new SmolvlmError('request-answer', `expected either jsonSchema or ${other}, received both`, {
      hint: 'For one of several answers give choices alone, or a schema with an enum.',
    });
  }
  return { ...request, jsonSchema: parseAnswerSchema(request.jsonSchema) };
}
