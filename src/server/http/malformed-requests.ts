import type { Socket } from 'node:net';

/** Statuses of requests that the parser of HTTP refuses; 400 for others. */
const statusLines: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** The body of an answer to what is not a valid HTTP request, with the fields of OpenAI's errors. */
export function refusal({ message, code }: Error & { readonly code?: string }): object {
  const isLate = code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const error = {
    code: 'request-refused',
    message: isLate
      ? 'expected the whole request in time, received a part of it'
      : `expected an HTTP request, received: ${message}`,
    type: 'invalid_request_error',
    param: null,
  };
  return { error };
}

/** Answers what is not HTTP, or has too long an address or headers, in the form of all other errors. */
export function refuseMalformed(fault: Error & { readonly code?: string }, socket: Socket): void {
  if (fault.code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable) {
    const body = JSON.stringify(refusal(fault));
    socket.write(
      `HTTP/1.1 ${statusLines[fault.code ?? ''] ?? '400 Bad Request'}\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n${body}`,
    );
  }
  socket.destroySoon();
}
