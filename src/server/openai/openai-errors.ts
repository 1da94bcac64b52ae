import type { FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorBody, type ErrorDetails, errorBody, SmolvlmError } from '../../errors';
import {
  httpStatus,
  retryAfterSeconds,
  type SchemaFault,
  toErrorBody,
  whichFault,
} from '../http/server-errors';
import { faultSentence } from './fault-sentence';

/** Requests of all programs together that may wait. */
export const waitingRequests = 100;

/** A fault of one field of a request. */
export class FieldError extends SmolvlmError {
  /** Place of the field, e.g. `messages[0].content`. */
  readonly param: string;

  constructor(code: string, param: string, message: string, details: ErrorDetails = {}) {
    super(code, `${param}: ${message}`, details);
    this.param = param;
  }
}

/** An error of the engine, with the place of the picture at fault. @param places of the request's pictures */
export function atPicture(thrown: unknown, places: readonly string[]): unknown {
  const { code, message, hint, picture } = errorBody(thrown);
  const index = picture ?? (places.length === 1 ? 0 : undefined);
  const place = /^image-/.test(code) && index !== undefined ? places[index] : undefined;
  return place === undefined ? thrown : new FieldError(code, place, message, { hint, cause: thrown });
}

/** The fault of a body that does not match its schema. */
export function fieldError(faults: readonly SchemaFault[]): SmolvlmError {
  const fault = whichFault(faults);
  const missing = fault?.params?.missingProperty;
  const path = (fault?.instancePath ?? '').split('/').slice(1);
  if (typeof missing === 'string') path.push(missing);
  const message =
    typeof missing === 'string'
      ? 'expected a value, received none'
      : path.length === 0 || !fault
        ? 'expected a JSON object'
        : faultSentence(fault);
  return new FieldError('request-invalid', place(path), message);
}

/** `['messages', '0', 'content']` → `messages[0].content` */
function place(path: readonly string[]): string {
  if (path.length === 0) return 'body';
  return path.map((key, index) => (/^\d+$/.test(key) ? `[${key}]` : index === 0 ? key : `.${key}`)).join('');
}

/** OpenAI's codes where it has one for the same fault. */
const openAiCodes: Readonly<Record<string, string>> = {
  'model-not-found': 'model_not_found',
  'model-not-pulled': 'model_not_found',
  'engine-no-model': 'model_not_found',
  'prompt-too-long': 'context_length_exceeded',
  'request-unauthorized': 'invalid_api_key',
  'engine-queue-full': 'rate_limit_exceeded',
};

const typeByStatus: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  429: 'rate_limit_error',
};

/**
 * The body of an error as OpenAI's API has it.
 * @param contentField field of the request that has its texts and pictures, e.g. `messages`
 */
export function openAiError(thrown: unknown, contentField?: string) {
  const error = toErrorBody(thrown);
  const status = httpStatus(error);
  return {
    error: {
      message: sentence(error),
      type: typeByStatus[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error'),
      param: paramOf(thrown, error, contentField),
      code: openAiCodes[error.code] ?? error.code,
    },
  };
}

function sentence({ code, message, hint }: ErrorBody): string {
  // Its own words are about a camera's queue.
  if (code === 'engine-queue-full') {
    return `${waitingRequests} requests are waiting already. Send this one again after the seconds in Retry-After.`;
  }
  return hint === undefined ? message : `${message}. ${hint}`;
}

function paramOf(thrown: unknown, { code }: ErrorBody, contentField: string | undefined): string | null {
  if (thrown instanceof FieldError) return thrown.param;
  if (/^model-not-/.test(code)) return 'model';
  const isOfContent = /^(prompt|image)-/.test(code);
  return (isOfContent && contentField) || null;
}

/** By the end of the route's address. */
const contentFields = { '/chat/completions': 'messages', '/responses': 'input', '/completions': 'prompt' };

function contentField({ routeOptions: { url = '' } }: FastifyRequest): string | undefined {
  return Object.entries(contentFields).find(([end]) => url.endsWith(end))?.[1];
}

export async function sendOpenAiError(
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const status = httpStatus(toErrorBody(thrown));
  const retryAfter = retryAfterSeconds(status);
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
  await reply.code(status).send(openAiError(thrown, contentField(request)));
}
