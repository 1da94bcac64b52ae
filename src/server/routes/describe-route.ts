import type { FastifyInstance } from 'fastify';
import type { Engine } from '../../engine/engine';
import { SmolvlmError } from '../../errors';
import type { DescribeRequest } from '../../protocol/describe-request';
import { eventStreamType } from '../../protocol/ndjson';
import { describeRequestSchema } from '../../protocol/request-schema';
import { sendEvents } from '../http/event-response';
import { readFormParts } from '../http/form-parts';
import { checkRequest } from '../http/request-checks';
import { schemaError } from '../http/server-errors';

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
    const describe = checkRequest(form.request as DescribeRequest, form.pictures.length);
    const stream = engine.submit(describe, form.pictures);
    reply.header('content-type', eventStreamType);
    await sendEvents(reply, stream);
    return reply;
  });

  app.delete<{ Params: { id: string } }>('/v1/requests/:id', async (request) => {
    return { cancelled: engine.cancel(request.params.id) };
  });
}
