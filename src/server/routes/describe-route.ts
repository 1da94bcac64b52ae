import type { FastifyInstance } from 'fastify';
import type { Engine } from '../../engine/engine';
import { SmolvlmError } from '../../errors';
import type { DescribeRequest } from '../../protocol/describe-request';
import { eventStreamType } from '../../protocol/ndjson';
import { describeRequestSchema } from '../../protocol/request-schema';
import { defined } from '../../system/defined';
import { readFormParts } from '../http/bodies/form-parts';
import { sendEvents } from '../http/event-response';
import type { RouteDocumentation } from '../http/openapi';
import { checkRequest } from '../http/request-checks';
import { schemaError } from '../http/server-errors';
import type { ModelCatalog } from '../model-catalog';

export interface DescribeRouteOptions {
  readonly engine: Engine;
  /** For clients on the network, which name models by id or alias; absent: clients may name any folder. */
  readonly networkModels?: ModelCatalog;
}

/** `POST /v1/frames/describe` and `DELETE /v1/requests/:id`: the native protocol. */
export function registerDescribe(
  app: FastifyInstance,
  { engine, networkModels }: DescribeRouteOptions,
): void {
  app.addContentTypeParser('multipart/form-data', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );

  app.post('/v1/frames/describe', { schema: documentation as object }, async (request, reply) => {
    const { body } = request;
    if (!Buffer.isBuffer(body)) {
      throw new SmolvlmError('request-form', 'expected a body of multipart/form-data, received none');
    }
    const form = readFormParts(request.headers['content-type'] ?? '', body);
    const validate = request.compileValidationSchema(describeRequestSchema);
    if (!validate(form.request)) throw schemaError('request', validate.errors ?? []);
    const checked = checkRequest(form.request as DescribeRequest, form.pictures.length);
    const describe = networkModels ? await named(checked, networkModels) : checked;
    const stream = engine.submit(describe, form.pictures);
    reply.header('content-type', eventStreamType);
    await sendEvents(reply, stream);
    return reply;
  });

  const cancelling = { schema: { summary: 'Cancel a request' } as object };
  app.delete<{ Params: { id: string } }>('/v1/requests/:id', cancelling, async (request) => {
    return { cancelled: engine.cancel(request.params.id) };
  });
}

const documentation: RouteDocumentation = {
  summary: 'Describe a frame',
  requestBody: {
    required: true,
    content: {
      'multipart/form-data': {
        schema: {
          type: 'object',
          required: ['request'],
          properties: {
            request: describeRequestSchema,
            image: { type: 'array', items: { type: 'string', format: 'binary' } },
          },
        },
        encoding: { request: { contentType: 'application/json' } },
      },
    },
  },
  success: { type: eventStreamType, schema: { type: 'string' } },
};

/** The request with the models that its names stand for. @throws SmolvlmError `model-not-found` */
async function named(request: DescribeRequest, models: ModelCatalog): Promise<DescribeRequest> {
  const { model: name, runtime, ...rest } = request;
  const model = name === undefined ? undefined : (await models.find(name)).model;
  if (runtime?.checkpoint === undefined) return { ...rest, ...defined({ model, runtime }) };
  const { model: checkpoint = runtime.checkpoint } = await models.find(runtime.checkpoint);
  return { ...rest, ...defined({ model }), runtime: { ...runtime, checkpoint } };
}
