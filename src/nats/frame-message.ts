import { SmolvlmError } from '../errors';
import type { DescribeRequest } from '../protocol/describe-request';
import { limits } from '../protocol/limits';

/** Version of the messages' layout, in the header `Smolvlm-Layout`. */
export const layout = '1';
export const layoutHeader = 'Smolvlm-Layout';
/** The request's id: the server's own message id differs when a request is sent again. */
export const idHeader = 'Smolvlm-Request';
/** Names the object that holds the message's content, when that exceeds the server's limit on messages. */
export const objectHeader = 'Smolvlm-Object';

export interface FrameMessage {
  readonly request: DescribeRequest;
  readonly pictures: readonly Uint8Array[];
}

/** What a hub answers when it has taken a request that was sent to it alone. */
export interface DirectAnswer {
  /** A hub that reports nothing for this long has lost the request. */
  readonly ackWaitMs: number;
}

/** Whether hubs take it without waiting for other frames. */
export function isUrgent({ priority = 0 }: Pick<DescribeRequest, 'priority'>): boolean {
  return priority > 0;
}

/**
 * A request as one message: the length of the JSON part in four bytes (big-endian), the JSON part with the request and
 * the pictures' sizes, then the pictures' bytes.
 * @throws TypeError for a request that is not JSON
 */
export function encodeFrame({ request, pictures }: FrameMessage): Uint8Array {
  const sizes = pictures.map(({ byteLength }) => byteLength);
  const json = Buffer.from(JSON.stringify({ request, sizes }), 'utf8');
  const head = Buffer.alloc(4);
  head.writeUInt32BE(json.length);
  return Buffer.concat([head, json, ...pictures]);
}

/** @throws SmolvlmError `nats-message` for a message of another version of smolvlm */
export function checkLayout(received: string): void {
  if (received === layout) return;
  throw new SmolvlmError(
    'nats-message',
    `a message in the queue has a different layout: expected version ${layout}, received "${received.slice(0, 20)}"`,
    { hint: 'Install the same version of smolvlm on the hubs and on the machines that send requests.' },
  );
}

/** @throws SmolvlmError `nats-message` */
export function decodeFrame(bytes: Uint8Array): FrameMessage {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const jsonEnd = buffer.length >= 4 ? 4 + buffer.readUInt32BE(0) : Number.POSITIVE_INFINITY;
  if (jsonEnd > buffer.length) throw badMessage('its JSON part is incomplete');
  let head: unknown;
  try {
    head = JSON.parse(buffer.toString('utf8', 4, jsonEnd));
  } catch (cause) {
    throw badMessage('its JSON part cannot be parsed', cause);
  }
  if (!isHead(head))
    throw badMessage(
      `its JSON part has no request with an id of at most ${limits.keyCharacters} characters, or no sizes`,
    );
  const pictures: Uint8Array[] = [];
  let from = jsonEnd;
  for (const size of head.sizes) {
    pictures.push(buffer.subarray(from, from + size));
    from += size;
  }
  if (from !== buffer.length) throw badMessage(`expected ${from} bytes, received ${buffer.length}`);
  return { request: head.request, pictures };
}

function isHead(value: unknown): value is { readonly request: DescribeRequest; readonly sizes: number[] } {
  if (typeof value !== 'object' || value === null || !('request' in value) || !('sizes' in value))
    return false;
  const { request, sizes } = value;
  return (
    typeof request === 'object' &&
    request !== null &&
    'id' in request &&
    typeof request.id === 'string' &&
    request.id.length <= limits.keyCharacters &&
    Array.isArray(sizes) &&
    sizes.every((size) => Number.isSafeInteger(size) && size >= 0)
  );
}

function badMessage(why: string, cause?: unknown): SmolvlmError {
  return new SmolvlmError('nats-message', `a message in the queue is not a request: ${why}`, {
    hint: 'Only smolvlm may publish to the subjects of the queue; see docs/many-hubs.md.',
    cause,
  });
}
