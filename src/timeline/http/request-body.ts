import { SmolvlmError } from '../../errors';
import type { Exchange } from './timeline-response';

const maxBytes = 64 * 1024;

/** The JSON body, parsed by the server or read here. @throws SmolvlmError `request-invalid`, `request-too-large` */
export async function readJsonBody({ request, body }: Exchange): Promise<unknown> {
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new SmolvlmError(
      'request-invalid',
      `expected content type application/json, received "${type.slice(0, 80)}"`,
    );
  }
  if (body !== undefined) return body;
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    bytes += part.length;
    if (bytes > maxBytes) {
      throw new SmolvlmError(
        'request-too-large',
        `expected a body of at most ${maxBytes} bytes, received more`,
      );
    }
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch (cause) {
    throw new SmolvlmError('request-invalid', 'expected JSON in the body, received something else', {
      cause,
    });
  }
}
