import type { FastifyInstance } from 'fastify';
import { type ErrorBody, errorBody, SmolvlmError } from '../../errors';
import { shownAddress } from '../../system/shown-address';

const statusByCode: Readonly<Record<string, number>> = {
  'request-too-large': 413,
  'request-unauthorized': 401,
  'request-foreign': 403,
  'engine-stopping': 503,
  'engine-busy': 503,
  'engine-queue-full': 429,
};

/** Prefixes of the codes that mean a fault of the request. */
const requestFault = /^(request|image|prompt)-/;

/** HTTP status of an error: 400 for faults of the request, 500 for the engine's. */
export function httpStatus({ code }: ErrorBody): number {
  return statusByCode[code] ?? (requestFault.test(code) ? 400 : 500);
}

/** The error body of anything thrown, errors of fastify itself included (body too large, unknown media type, bad JSON). */
export function toErrorBody(thrown: unknown): ErrorBody {
  if (thrown instanceof SmolvlmError || !(thrown instanceof Error)) return errorBody(thrown);
  const status = 'statusCode' in thrown ? thrown.statusCode : undefined;
  if (status === 413) return { code: 'request-too-large', message: thrown.message };
  if (typeof status === 'number' && status < 500) return { code: 'request-refused', message: thrown.message };
  return errorBody(thrown);
}

/** Answers every error as `{error: {code, message, hint}}`. */
export function registerErrors(app: FastifyInstance): void {
  app.setErrorHandler(async (thrown, _request, reply) => {
    const error = toErrorBody(thrown);
    await reply.code(httpStatus(error)).send({ error });
  });
  app.setNotFoundHandler(async (request, reply) => {
    const error = {
      code: 'request-unknown-path',
      message: `there is no ${request.method} ${shownAddress(request.url)}`,
    };
    await reply.code(404).send({ error });
  });
}

interface SchemaFault {
  readonly instancePath?: string;
  readonly message?: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** @param what name of the value that was checked, e.g. `request` */
export function schemaError(what: string, faults: readonly SchemaFault[]): SmolvlmError {
  const fault = faults.find(({ params }) => params?.additionalProperty !== undefined) ?? faults[0];
  const at = `${what}${(fault?.instancePath ?? '').replaceAll('/', '.')}`;
  const unknown = fault?.params?.additionalProperty;
  const message =
    unknown === undefined
      ? `${at} ${fault?.message ?? 'does not match its schema'}${detail(fault?.params?.allowedValues)}`
      : `${at} has an unknown field "${String(unknown)}"`;
  return new SmolvlmError('request-invalid', message, {
    hint: 'The fields are described in docs/protocol.md.',
  });
}

function detail(allowed: unknown): string {
  return Array.isArray(allowed) ? `: ${allowed.join(', ')}` : '';
}
