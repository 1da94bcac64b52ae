import { SmolvlmError } from '../errors';
import { limits } from '../protocol/limits';

const timeoutMs = 15_000;

/** @throws SmolvlmError `request-image-url` when it cannot be fetched or is too large */
export async function fetchPicture(url: URL): Promise<Uint8Array> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const parts: Uint8Array[] = [];
    let sizeBytes = 0;
    for await (const part of response.body ?? []) {
      sizeBytes += part.byteLength;
      if (sizeBytes > limits.pictureBytes) throw new Error(`more than ${limits.pictureBytes} bytes`);
      parts.push(part);
    }
    return new Uint8Array(Buffer.concat(parts));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SmolvlmError(
      'request-image-url',
      `the picture at ${url.origin}${url.pathname} was not fetched: ${why}`,
      {
        hint: 'Send the picture as a data URI.',
        cause,
      },
    );
  }
}
