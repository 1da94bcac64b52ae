import type { FastifyInstance } from 'fastify';
import { type ErrorBody, errorBody, SmolvlmError } from '../../errors';
import { packageVersion } from '../../package-version';
import { frameworkError } from './framework-errors';
import { receivedValue } from './received-value';

const statusByCode: Readonly<Record<string, number>> = {
  'model-not-found': 404,
  'model-not-pulled': 404,
  'engine-no-model': 404,
  'hub-not-found': 404,
  'model-fetching': 409,
  'caption-json-room': 400,
  'caption-json-size': 400,
  'caption-json-vocabulary': 400,
  'request-too-large': 413,
  'request-unauthorized': 401,
  'request-foreign': 403,
  'engine-stopping': 503,
  'engine-busy': 503,
  'engine-queue-full': 429,
  'engine-bodies': 429,
  'engine-dropped-deadline': 503,
  'engine-dropped-shutdown': 503,
};

/** After how many seconds a refused request may be sent again; undefined where that does not help. */
export function retryAfterSeconds(status: number): number | undefined {
  return status === 429 || status === 503 ? 5 : undefined;
}

/** Prefixes of the codes that mean a fault of the request. */
const requestFault = /^(request|image|prompt)-/;

/** HTTP status of an error: 400 for faults of the request, 500 for the engine's. */
export function httpStatus({ code }: ErrorBody): number {
  return statusByCode[code] ?? (requestFault.test(code) ? 400 : 500);
}

/** The error body of anything thrown, errors of fastify itself included (body too large, unknown media type, bad JSON). */
export function toErrorBody(thrown: unknown): ErrorBody {
  if (thrown instanceof SmolvlmError || !(thrown instanceof Error)) return errorBody(thrown);
  return frameworkError(thrown) ?? errorBody(thrown);
}

/** Answers every error as `{error: {code, message, hint}}`. */
export function registerErrors(app: FastifyInstance): void {
  app.setErrorHandler(async (thrown, _request, reply) => {
    const error = toErrorBody(thrown);
    const status = httpStatus(error);
    const retryAfter = retryAfterSeconds(status);
    if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
    await reply.code(status).send({ error });
  });
}

export interface SchemaFault {
  readonly instancePath?: string;
  readonly keyword?: string;
  /** The value at fault. */
  readonly data?: unknown;
  readonly message?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  /** The value of the keyword. */
  readonly schema?: unknown;
}

/** Of the faults of alternatives, the one deepest in the body: the others belong to alternatives that were not intended. */
export function whichFault(faults: readonly SchemaFault[]): SchemaFault | undefined {
  const depth = ({ instancePath = '' }: SchemaFault): number => instancePath.split('/').length;
  return (
    faults.find(({ params }) => params?.additionalProperty !== undefined) ??
    faults.reduce<SchemaFault | undefined>(
      (best, fault) => (best === undefined || depth(fault) > depth(best) ? fault : best),
      undefined,
    )
  );
}

/** @param what name of the value that was checked, e.g. `request` */
export function schemaError(what: string, faults: readonly SchemaFault[]): SmolvlmError {
  const fault = whichFault(faults);
  const at = `${what}${(fault?.instancePath ?? '').replaceAll('/', '.')}`;
  const unknown = fault?.params?.additionalProperty;
  const message =
    unknown === undefined
      ? `${at} ${faultText(fault)}`
      : `${at} has a field "${String(unknown)}" that this engine (version ${packageVersion()}) does not have`;
  const hint =
    unknown === undefined
      ? 'The fields are described in docs/protocol.md.'
      : 'If the client is newer, update this package on the engine’s machine. The fields are described in docs/protocol.md.';
  return new SmolvlmError('request-invalid', message, { hint });
}

function faultText(fault: SchemaFault | undefined): string {
  const { keyword, data, message = 'does not match its schema', params, schema } = fault ?? {};
  const excluded =
    keyword === 'not' ? (schema as { readonly required?: readonly string[] }).required : undefined;
  if (excluded) return `must have either ${excluded.join(' or ')}, received both`;
  return Array.isArray(params?.allowedValues)
    ? `${message}: ${params.allowedValues.join(', ')}, received ${receivedValue(keyword, data)}`
    : message;
}
