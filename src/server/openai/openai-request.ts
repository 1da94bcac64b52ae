import { SmolvlmError } from '../../errors';
import type { ChatMessage, DescribeRequest, MessagePart } from '../../protocol/describe-request';
import type { ChatCompletionRequest, OpenAiPart } from '../../protocol/openai';
import { defined } from '../../system/defined';
import { shownAddress } from '../../system/shown-address';
import { checkSizes } from '../http/form-parts';
import { checkSomePicture } from '../http/request-checks';

/** Fetches a picture by its address. */
export type FetchPicture = (url: URL) => Promise<Uint8Array>;

/**
 * Translates an OpenAI request into one of the native protocol.
 * @param fetchPicture absent when pictures by address are refused
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
      ...defined({
        model: request.model || undefined,
        maxNewTokens: maxNewTokens ?? undefined,
        temperature: request.temperature ?? undefined,
        topP: request.top_p ?? undefined,
        seed: request.seed ?? undefined,
        stop: stop ?? undefined,
      }),
    },
  };
}

function textPart(text: string): OpenAiPart {
  return { type: 'text', text };
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
    throw new SmolvlmError('request-image-url', 'this engine does not fetch pictures by address', {
      hint: 'Send the picture as a data URI, or start the engine with --allow-image-urls.',
    });
  }
  return await fetchPicture(new URL(url));
}
