import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isErrorBody, SmolvlmError } from '../errors';
import type { DescribeRequest } from '../protocol/describe-request';
import { heartbeatMs } from '../protocol/ndjson';

/** Where an engine answers. */
export type Endpoint = { readonly socketPath: string } | { readonly url: URL; readonly token?: string };

export interface HttpCall {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly contentType?: string;
  readonly body?: readonly Uint8Array[];
  readonly signal?: AbortSignal;
}

/** An engine that is silent for longer is gone: it writes a heartbeat every `heartbeatMs`. */
const silenceMs = 6 * heartbeatMs;

/** @returns the response, its body not read @throws what the network throws */
export function callEngine(endpoint: Endpoint, call: HttpCall): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const body = call.body ?? [];
    const headers: Record<string, string> = {};
    if (call.contentType !== undefined) headers['content-type'] = call.contentType;
    if (body.length > 0)
      headers['content-length'] = String(body.reduce((sum, part) => sum + part.byteLength, 0));
    if ('url' in endpoint && endpoint.token !== undefined) headers.authorization = `Bearer ${endpoint.token}`;
    const options: RequestOptions = {
      method: call.method,
      headers,
      agent: false,
      ...(call.signal ? { signal: call.signal } : {}),
    };
    const request =
      'url' in endpoint
        ? (endpoint.url.protocol === 'https:' ? requestHttps : requestHttp)(
            new URL(`${endpoint.url.pathname.replace(/\/$/, '')}${call.path}`, endpoint.url),
            options,
          )
        : requestHttp({ ...options, socketPath: endpoint.socketPath, path: call.path });
    request.setTimeout(silenceMs, () => {
      request.destroy(new Error(`the engine was silent for ${silenceMs} ms`));
    });
    request.once('response', resolve);
    request.on('error', reject);
    for (const part of body) request.write(part);
    request.end();
  });
}

/** @throws SmolvlmError with the engine's code when it answers anything but 200 */
export async function readJson(response: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part);
  const text = Buffer.concat(parts).toString('utf8');
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    document = undefined;
  }
  if (response.statusCode === 200 && document !== undefined) return document;
  throw answeredError(response.statusCode ?? 0, document, text);
}

function answeredError(status: number, document: unknown, text: string): SmolvlmError {
  const error =
    typeof document === 'object' && document !== null && 'error' in document ? document.error : null;
  if (isErrorBody(error)) return SmolvlmError.from(error);
  if (status === 503) return new SmolvlmError('engine-stopping', 'the engine is stopping');
  return new SmolvlmError(
    'engine-answer',
    `expected an engine's answer, received status ${status}: "${text.slice(0, 80)}"`,
    {
      hint: 'Check that the address is that of a smolvlm engine.',
    },
  );
}

/** The body of `POST /v1/frames/describe`; pictures are not copied. */
export function describeBody(
  request: DescribeRequest,
  pictures: readonly Uint8Array[],
): { readonly contentType: string; readonly body: readonly Uint8Array[] } {
  const boundary = `smolvlm-${randomUUID()}`;
  const text = (words: string): Uint8Array => Buffer.from(words, 'utf8');
  const body: Uint8Array[] = [
    text(
      `--${boundary}\r\ncontent-disposition: form-data; name="request"\r\n\r\n${JSON.stringify(request)}\r\n`,
    ),
  ];
  pictures.forEach((picture, index) => {
    const disposition = `form-data; name="image"; filename="frame-${index}"`;
    const head = `--${boundary}\r\ncontent-disposition: ${disposition}\r\ncontent-type: application/octet-stream\r\n\r\n`;
    body.push(text(head), picture, text('\r\n'));
  });
  body.push(text(`--${boundary}--\r\n`));
  return { contentType: `multipart/form-data; boundary=${boundary}`, body };
}
