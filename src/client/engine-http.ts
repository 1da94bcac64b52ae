import { randomUUID } from 'node:crypto';
import {
  type Agent,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
  request as requestHttp,
} from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { isErrorBody, SmolvlmError } from '../errors';
import type { DescribeRequest } from '../protocol/describe-request';
import { heartbeatMs } from '../protocol/ndjson';
import type { EngineAddress } from './engine-address';
import { keptConnections } from './kept-connections';

/** Where an engine answers. */
export type Endpoint =
  | { readonly socketPath: string }
  | {
      readonly url: URL;
      readonly token?: string;
      /** SHA-256 of the only certificate that is accepted, 64 hexadecimal digits in upper case. */
      readonly fingerprint?: string;
    };

export interface EngineHttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly contentType?: string;
  readonly body?: readonly Uint8Array[];
  readonly signal?: AbortSignal;
}

/** An engine that is silent for longer, or that a connection takes longer to, counts as gone: its heartbeat is `heartbeatMs`. */
const silenceMs = 6 * heartbeatMs;

/** JSON documents of an engine are far smaller: status and doctor's report. */
const longestDocumentBytes = 16 * 1024 * 1024;

/**
 * Where connections are kept (`keepConnections`), this one is, once the response has been read to its end.
 * @returns the response, its body not read @throws what the network throws
 */
export function sendToEngine(endpoint: Endpoint, message: EngineHttpRequest): Promise<IncomingMessage> {
  return sendBy(keptConnections(endpoint), endpoint, message);
}

/** @param agent false: by a new connection, which is closed afterwards */
function sendBy(
  agent: Agent | false,
  endpoint: Endpoint,
  message: EngineHttpRequest,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const body = message.body ?? [];
    const { signal } = message;
    signal?.throwIfAborted();
    const headers: Record<string, string> = {};
    if (message.contentType !== undefined) headers['content-type'] = message.contentType;
    if (body.length > 0)
      headers['content-length'] = String(body.reduce((sum, part) => sum + part.byteLength, 0));
    if ('url' in endpoint && endpoint.token !== undefined) headers.authorization = `Bearer ${endpoint.token}`;
    const options: RequestOptions = {
      method: message.method,
      headers,
      agent,
      // Unlike `request.setTimeout`, it also limits the time to connect.
      timeout: silenceMs,
    };
    const fingerprint = 'url' in endpoint ? endpoint.fingerprint : undefined;
    const request =
      'url' in endpoint
        ? (endpoint.url.protocol === 'https:' ? requestHttps : requestHttp)(
            new URL(`${endpoint.url.pathname.replace(/\/$/, '')}${message.path}`, endpoint.url),
            // A pinned certificate is checked below, before anything is sent.
            fingerprint === undefined ? options : { ...options, rejectUnauthorized: false },
          )
        : requestHttp({ ...options, socketPath: endpoint.socketPath, path: message.path });
    request.on('timeout', () => {
      request.destroy(new Error(`the engine sent nothing for ${silenceMs} ms`));
    });
    const abort = (): void => {
      request.destroy(abortError(signal));
    };
    signal?.addEventListener('abort', abort, { once: true });
    // Its connection belongs to another request from then on.
    request.once('close', () => signal?.removeEventListener('abort', abort));
    // A kept connection has the timeout that its server stated for idle ones.
    request.once('socket', (socket) => socket.setTimeout(silenceMs));
    let isAnswered = false;
    request.once('response', (response) => {
      isAnswered = true;
      resolve(response);
    });
    request.on('error', (error) => {
      // The engine closed the kept connection while the request was on its way.
      const isStale = request.reusedSocket && !isAnswered && isDisconnection(error);
      if (isStale) sendBy(false, endpoint, message).then(resolve, reject);
      else reject(error);
    });
    const send = (): void => {
      for (const part of body) request.write(part);
      request.end();
    };
    if (fingerprint === undefined) send();
    else whenPinned(request, fingerprint, send);
  });
}

/** Connections that have shown the pinned certificate; a kept one belongs to one endpoint. */
const pinned = new WeakSet<Socket>();

/** Sends once the peer has shown the pinned certificate; destroys the request for another one. */
function whenPinned(request: ClientRequest, fingerprint: string, send: () => void): void {
  request.once('socket', (socket) => {
    const check = (): void => {
      const shown = (socket as TLSSocket).getPeerCertificate().fingerprint256 ?? 'none';
      if (shown.replaceAll(':', '') === fingerprint) {
        pinned.add(socket);
        send();
      } else {
        const message = `the engine presented a certificate with the SHA-256 fingerprint ${shown}, not the expected one`;
        const hint =
          'If its certificate was replaced, enter the new fingerprint; otherwise another machine answers.';
        request.destroy(new SmolvlmError('engine-certificate', message, { hint }));
      }
    };
    if (pinned.has(socket)) send();
    else socket.once('secureConnect', check);
  });
}

function abortError(signal: AbortSignal | undefined): Error {
  return signal?.reason instanceof Error ? signal.reason : new Error('the request was aborted');
}

function isDisconnection(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ECONNRESET' || error.code === 'EPIPE';
}

/**
 * Whether to send a request again, to the same engine or its successor: after faults of the network and for an engine that
 * is stopping or that a proxy does not reach, but not for an engine's error, nor for arguments that cannot be sent.
 */
export function mayBeSentAgain(error: unknown): boolean {
  if (error instanceof SmolvlmError) return error.code === 'engine-stopping';
  return !(error instanceof TypeError || error instanceof RangeError);
}

/** The error for an engine that does not answer. @param cause what the network threw */
export function engineUnreachable(address: EngineAddress, cause: unknown): SmolvlmError {
  const place = address.kind === 'remote' ? `at ${address.url.origin}` : 'on this machine';
  const why = cause instanceof Error ? cause.message : String(cause);
  return new SmolvlmError('engine-unreachable', `no engine answers ${place}: ${why}`, {
    hint: 'Check that it runs there and that host and port are right.',
    cause,
  });
}

/** @throws SmolvlmError with the engine's code when it answers anything but 200; `engine-answer` */
export async function readJson(response: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of response) {
    sizeBytes += part.length;
    // Leaving the loop closes the connection.
    if (sizeBytes > longestDocumentBytes) break;
    parts.push(part);
  }
  const text = Buffer.concat(parts).toString('utf8');
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    document = undefined;
  }
  if (response.statusCode === 200 && document !== undefined) return document;
  throw errorOf(response.statusCode ?? 0, document, text);
}

function errorOf(status: number, document: unknown, text: string): SmolvlmError {
  const error =
    typeof document === 'object' && document !== null && 'error' in document ? document.error : null;
  if (isErrorBody(error)) return SmolvlmError.from(error);
  if (status === 503) return new SmolvlmError('engine-stopping', 'the engine is stopping');
  if (status === 502 || status === 504) {
    return new SmolvlmError('engine-stopping', `a proxy answers ${status}: it does not reach the engine`);
  }
  return new SmolvlmError(
    'engine-answer',
    `expected an engine's answer, received status ${status}: "${text.slice(0, 80)}"`,
    {
      hint: 'Check that the address is that of a smolvlm engine.',
    },
  );
}

/** The body of `POST /v1/frames/describe`; pictures are not copied. @throws TypeError for a request that is not JSON */
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

/** Asks a local engine to finish what it has begun and to end. @returns false for one that cannot be asked */
export async function drainEngine(endpoint: Endpoint, signal: AbortSignal): Promise<boolean> {
  const response = await sendToEngine(endpoint, { method: 'POST', path: '/v1/smolvlm/drain', signal });
  response.on('error', () => {});
  response.resume();
  return response.statusCode === 200;
}
