import { SmolvlmError } from '../../errors';
import type { ChatMessage, DescribeRequest, MessagePart } from '../../protocol/describe-request';
import type { ChatCompletionRequest, OpenAiPart } from '../../protocol/openai';
import { shownAddress } from '../../system/shown-address';
import { checkSizes } from '../http/form-parts';
import { checkSomePicture } from '../http/request-checks';

/** Fetches the bytes behind a remote picture's address. */
export type FetchPicture = (url: URL) => Promise<Uint8Array>;

/**
 * Says an OpenAI request in this package's words.
 * @param fetchPicture absent when remote pictures are refused
 * @throws SmolvlmError `request-image-url`, `request-no-picture`, `request-too-large`
 */
export async function fromChatCompletion(
  id: string,
  request: ChatCompletionRequest,
  fetchPicture: FetchPicture | undefined,
): Promise<{ readonly request: DescribeRequest; readonly pictures: readonly Uint8Array[] }> {
  const pictures: Uint8Array[] = [];
  const messages: ChatMessage[] = [];
  let full = false;
  for (const { role, content } of request.messages) {
    const parts: MessagePart[] = [];
    for (const part of typeof content === 'string' ? [textPart(content)] : content) {
      if (part.type === 'text') parts.push(part);
      else {
        pictures.push(await readPicture(part, fetchPicture));
        full ||= part.image_url.detail === 'high';
        parts.push({ type: 'image' });
      }
    }
    messages.push({ role: role === 'developer' ? 'system' : role, content: parts });
  }
  checkSomePicture(pictures.length);
  const maxNewTokens = request.max_completion_tokens ?? request.max_tokens;
  const stop = typeof request.stop === 'string' ? [request.stop] : request.stop;
  return {
    pictures: checkSizes(pictures),
    request: {
      id,
      messages,
      camera: 'openai',
      queue: { policy: 'reject', capacity: 100 },
      detail: full ? 'full' : 'low',
      stream: request.stream === true,
      ...(request.model === undefined || request.model === '' ? {} : { model: request.model }),
      ...optional('maxNewTokens', maxNewTokens),
      ...optional('temperature', request.temperature),
      ...optional('topP', request.top_p),
      ...optional('seed', request.seed),
      ...optional('stop', stop),
    },
  };
}

function textPart(text: string): OpenAiPart {
  return { type: 'text', text };
}

function optional<Name extends string, Value>(
  name: Name,
  value: Value | null | undefined,
): Partial<Record<Name, Value>> {
  return value === null || value === undefined ? {} : ({ [name]: value } as Record<Name, Value>);
}

async function readPicture(
  { image_url: { url } }: OpenAiPart & { type: 'image_url' },
  fetchPicture: FetchPicture | undefined,
): Promise<Uint8Array> {
  const [, base64] = /^data:image\/[\w.+-]+;base64,([A-Za-z0-9+/=_\s-]*)$/.exec(url) ?? [];
  if (base64 !== undefined) return new Uint8Array(Buffer.from(base64, 'base64'));
  if (!/^https?:/i.test(url) || !URL.canParse(url)) {
    throw new SmolvlmError(
      'request-image-url',
      `expected an image_url of data:image/…;base64,…, received "${shownAddress(url).slice(0, 60)}"`,
    );
  }
  if (!fetchPicture) {
    throw new SmolvlmError('request-image-url', 'this engine fetches no pictures from other machines', {
      hint: "Send the picture's bytes as a data URI, or start the engine with --allow-image-urls.",
    });
  }
  return await fetchPicture(new URL(url));
}
