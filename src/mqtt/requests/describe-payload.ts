import { isUtf8 } from 'node:buffer';
import type { DescribeInput } from '../../client/engine-api';
import { SmolvlmError } from '../../errors';
import { timeOf } from '../../protocol/message-time';
import { defined } from '../../system/defined';
import { parseHttpAddress } from '../../system/http-address';

/** Bytes, a data URI or an http(s) address; never a path: a message must not read this machine's files. */
export type RequestPicture = Uint8Array | string;

/** A message on a describe topic. */
export interface DescribePayload {
  /** The camera's own picture when absent. */
  readonly picture?: RequestPicture;
  /** Returned with the answer. */
  readonly id?: string;
  /** For the prompt's template. */
  readonly label?: string;
  /** Fields of the request; the others have defaults. */
  readonly request: Partial<DescribeInput>;
}

/** Payload of Home Assistant's buttons. */
export const pressPayload = 'PRESS';

const pictureFields = ['picture', 'image', 'url'] as const;
const passedOn = ['prompt', 'choices', 'detail', 'priority', 'crop', 'masks'] as const;
const known = new Set<string>([
  ...pictureFields,
  ...passedOn,
  'capturedAt',
  'maxTokens',
  'deadline',
  'id',
  'label',
]);

/**
 * Reads a request: a picture's bytes; JSON; an address, data URI or base64 text. Any other text is a question about the
 * camera's own picture; an empty payload (or `PRESS`) requests its description.
 * @throws SmolvlmError `mqtt-request`
 */
export function describePayload(payload: Uint8Array): DescribePayload {
  if (!isUtf8(payload) || payload.includes(0)) return { picture: payload, request: {} };
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8').trim();
  if (text === '' || text === pressPayload) return { request: {} };
  if (text.startsWith('{')) return jsonPayload(text);
  // A camera's login page: the engine says so in its error.
  if (text.startsWith('<')) return { picture: payload, request: {} };
  const picture = textPicture(text);
  return picture === undefined ? { request: { prompt: text } } : { picture, request: {} };
}

function jsonPayload(text: string): DescribePayload {
  const fields = parseObject(text);
  const unknown = Object.keys(fields).find((key) => !known.has(key));
  if (unknown !== undefined) throw fault(`the field "${unknown}" is unknown`);
  const given = pictureFields.filter((key) => fields[key] !== undefined && fields[key] !== null);
  if (given.length > 1) throw fault(`expected one picture, received ${given.join(' and ')}`);
  const [field] = given;
  if (fields.prompt != null && typeof fields.prompt !== 'string') {
    throw fault(`prompt: expected a string, received ${shown(fields.prompt)}`);
  }
  const maxTokens = number(fields, 'maxTokens');
  const deadlineSeconds = number(fields, 'deadline');
  return {
    ...defined({
      picture: field === undefined ? undefined : jsonPicture(field, fields[field]),
      id: word(fields, 'id'),
      label: word(fields, 'label'),
    }),
    request: {
      // The engine checks these against its own schema.
      ...Object.fromEntries(passedOn.flatMap((key) => (fields[key] == null ? [] : [[key, fields[key]]]))),
      ...defined({
        capturedAt: time(fields, 'capturedAt'),
        maxNewTokens: maxTokens === undefined ? undefined : Math.round(maxTokens),
        deadlineMs: deadlineSeconds === undefined ? undefined : Math.round(deadlineSeconds * 1000),
      }),
    },
  };
}

function parseObject(text: string): Record<string, unknown> {
  try {
    // The text begins with a brace, so the result is an object or an error.
    return JSON.parse(text);
  } catch (cause) {
    throw fault(`it is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}

function jsonPicture(field: string, value: unknown): RequestPicture {
  const picture = typeof value === 'string' ? textPicture(value.trim(), 1) : undefined;
  const isAddress = typeof picture === 'string' && !picture.startsWith('data:');
  if (picture === undefined || (field === 'url' && !isAddress)) {
    const expected = field === 'url' ? 'an http(s) address' : 'base64, a data URI or an http(s) address';
    throw fault(`${field}: expected ${expected}, received ${shown(value)}`);
  }
  return picture;
}

/** @param shortest a shorter text is taken for a sentence, though it might be base64 */
function textPicture(text: string, shortest = 100): RequestPicture | undefined {
  if (!/\s/.test(text) && parseHttpAddress(text)) return text;
  if (/^data:/i.test(text)) return text;
  if (text.length < shortest || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(text.replaceAll(/[\r\n]/g, '')))
    return undefined;
  return `data:;base64,${text}`;
}

function number(fields: Record<string, unknown>, key: string): number | undefined {
  const value = fields[key] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
  throw fault(`${key}: expected a number above 0, received ${shown(value)}`);
}

function time(fields: Record<string, unknown>, key: string): string | undefined {
  const value = fields[key] ?? undefined;
  if (value === undefined) return undefined;
  const ms = timeOf(value);
  if (ms !== undefined) return new Date(ms).toISOString();
  throw fault(`${key}: expected a time in ISO 8601, or seconds since 1970, received ${shown(value)}`);
}

function word(fields: Record<string, unknown>, key: string): string | undefined {
  const value = fields[key];
  if (value === undefined) return undefined;
  if ((typeof value === 'string' && value.length <= 256) || typeof value === 'number') return String(value);
  throw fault(`${key}: expected a string of at most 256 characters, received ${shown(value)}`);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function fault(reason: string, cause?: unknown): SmolvlmError {
  return new SmolvlmError('mqtt-request', `the request cannot be read: ${reason}`, {
    hint: `Send a picture's bytes, a question, or JSON with any of ${[...known].join(', ')}.`,
    cause,
  });
}
