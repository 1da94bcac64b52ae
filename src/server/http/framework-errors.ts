import type { ErrorBody } from '../../errors';
import { limits } from '../../protocol/limits';

/** Errors of fastify whose own sentence does not say what to do, by their code. */
const bodies: Readonly<Record<string, ErrorBody>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: {
    code: 'request-too-large',
    message: `expected a body of at most ${limits.bodyBytes / 2 ** 20} MiB, received a larger one`,
    hint: 'Send smaller pictures, or fewer in one request.',
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: 'request-refused',
    message: 'expected a body with the header Content-Type: application/json, received another type or none',
    hint: 'Only POST /v1/frames/describe takes another type, multipart/form-data.',
  },
  FST_ERR_CTP_INVALID_JSON_BODY: {
    code: 'request-refused',
    message: 'expected JSON in the body, received text that is not valid JSON',
    hint: 'JSON is UTF-8 and has no key "__proto__".',
  },
  FST_ERR_CTP_EMPTY_JSON_BODY: {
    code: 'request-refused',
    message: 'expected JSON in the body, received an empty one',
  },
};

/** The error body of an error of fastify itself; undefined for errors that are not the caller's fault. */
export function frameworkError(thrown: Error): ErrorBody | undefined {
  const { code = '', statusCode } = thrown as Error & {
    readonly code?: string;
    readonly statusCode?: number;
  };
  if (Object.hasOwn(bodies, code)) return bodies[code];
  if (statusCode === undefined || statusCode >= 500) return undefined;
  return { code: statusCode === 413 ? 'request-too-large' : 'request-refused', message: thrown.message };
}
