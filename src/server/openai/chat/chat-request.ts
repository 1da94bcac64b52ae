import type { ChatMessage, MessagePart } from '../../../protocol/describe-request';
import { defined } from '../../../system/defined';
import { Conversation } from '../conversation';
import type { FetchPicture } from '../image-url';
import { FieldError } from '../openai-errors';
import type { Question } from '../openai-request';
import { answerSchema, refuseStops, schemaAt } from '../response-format';
import { maxNewTokens, samplingOptions, unsupported } from '../sampling-fields';
import { refuseTools } from '../tool-fields';
import type { ChatCompletionMessage, ChatCompletionPart, ChatCompletionRequest } from './chat-schema';

/**
 * Translates a chat into a request of the engine.
 * @param fetchPicture absent when pictures by address are refused
 * @throws SmolvlmError for faults of the request, most of them `FieldError`
 */
export async function fromChatCompletion(
  chat: ChatCompletionRequest,
  fetchPicture: FetchPicture | undefined,
): Promise<Question> {
  refuseTools(chat);
  if (chat.modalities?.some((kind) => kind !== 'text')) {
    throw unsupported('modalities', 'This engine answers with text.');
  }
  const { answer, ...sampling } = samplingOptions(chat);
  const jsonSchema =
    chat.json_schema == null
      ? answerSchema(chat.response_format, 'response_format')
      : schemaAt(chat.json_schema, 'json_schema');
  refuseStops(jsonSchema, sampling.stop);
  const conversation = new Conversation(fetchPicture);
  for (const [index, message] of chat.messages.entries()) {
    const place = `messages[${index}]`;
    if (message.content === undefined && message.role !== 'assistant') {
      throw new FieldError(
        'request-invalid',
        `${place}.content`,
        'expected a string or a list of parts, received none',
      );
    }
    conversation.add(roleOf(message), await partsOf(message, conversation, `${place}.content`));
  }
  const continues = conversation.continues('messages');
  if (continues && jsonSchema) {
    throw new FieldError(
      'request-invalid',
      'messages',
      'expected no assistant message at the end of a request for JSON',
    );
  }
  const topLogprobs = chat.logprobs ? (chat.top_logprobs ?? 0) : undefined;
  return {
    pictures: conversation.pictures,
    places: conversation.places,
    choices: chat.n ?? 1,
    request: {
      messages: conversation.messages,
      detail: conversation.detail,
      stream: chat.stream === true,
      maxNewTokens:
        chat.max_completion_tokens == null
          ? maxNewTokens(chat.max_tokens, 'max_tokens')
          : maxNewTokens(chat.max_completion_tokens, 'max_completion_tokens'),
      ...sampling,
      ...defined({ jsonSchema }),
      answer: { ...answer, ...defined({ topLogprobs, continues: continues || undefined }) },
    },
  };
}

/** A tool's output is text that the model reads, as a user's. */
function roleOf({ role }: ChatCompletionMessage): ChatMessage['role'] {
  if (role === 'developer') return 'system';
  return role === 'tool' || role === 'function' ? 'user' : role;
}

async function partsOf(
  { content }: ChatCompletionMessage,
  conversation: Conversation,
  param: string,
): Promise<MessagePart[]> {
  if (content == null) return [];
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  const parts: MessagePart[] = [];
  for (const [index, part] of content.entries()) {
    const place = `${param}[${index}]`;
    const image = imageOf(part);
    if (image) parts.push(await conversation.picture(image.url, image.detail, `${place}.image_url.url`));
    else if (part.type !== 'image_url' && part.text != null) parts.push({ type: 'text', text: part.text });
    else if (part.type !== 'refusal') {
      throw new FieldError('request-invalid', `${place}.${part.type}`, 'expected a value, received none');
    }
  }
  return parts;
}

function imageOf({ type, image_url }: ChatCompletionPart) {
  if (type !== 'image_url' || image_url == null) return undefined;
  return typeof image_url === 'string' ? { url: image_url, detail: null } : image_url;
}
