import type { ChatMessage, MessagePart } from '../../../protocol/describe-request';
import { defined } from '../../../system/defined';
import { Conversation } from '../conversation';
import type { FetchPicture } from '../image-url';
import { FieldError } from '../openai-errors';
import type { Question } from '../openai-request';
import { answerSchema, refuseStops } from '../response-format';
import { maxNewTokens, samplingOptions, unsupported } from '../sampling-fields';
import { refuseTools } from '../tool-fields';
import type { InputItem, InputPart, ResponsesRequest } from './responses-schema';

/** Items of an earlier answer that say nothing to this model. */
const skipped: ReadonlySet<string> = new Set(['reasoning', 'function_call', 'item_reference']);

/**
 * Translates a request of the responses API into one of the engine.
 * @param fetchPicture absent when pictures by address are refused
 * @throws SmolvlmError for faults of the request, most of them `FieldError`
 */
export async function fromResponses(
  body: ResponsesRequest,
  fetchPicture: FetchPicture | undefined,
): Promise<Question> {
  refuseTools(body);
  if (body.previous_response_id)
    throw unsupported('previous_response_id', 'Send the whole conversation in input.');
  if (body.conversation != null) throw unsupported('conversation', 'Send the whole conversation in input.');
  if (body.background) throw unsupported('background', 'Use stream.');
  const { answer, ...sampling } = samplingOptions(body);
  const jsonSchema = answerSchema(body.text?.format, 'text.format');
  refuseStops(jsonSchema, sampling.stop);
  const conversation = new Conversation(fetchPicture);
  if (body.instructions) conversation.add('system', [{ type: 'text', text: body.instructions }]);
  const items: readonly InputItem[] =
    typeof body.input === 'string' ? [{ role: 'user', content: body.input }] : body.input;
  for (const [index, item] of items.entries()) await addItem(item, conversation, `input[${index}]`);
  if (!conversation.messages.some(({ role }) => role !== 'system')) {
    throw new FieldError('request-invalid', 'input', 'expected at least one message');
  }
  const wantsLogprobs = body.include?.includes('message.output_text.logprobs') === true;
  const topLogprobs = wantsLogprobs ? (body.top_logprobs ?? 0) : undefined;
  const continues = !jsonSchema && conversation.continues('input');
  return {
    pictures: conversation.pictures,
    places: conversation.places,
    choices: 1,
    request: {
      messages: conversation.messages,
      detail: conversation.detail,
      stream: body.stream === true,
      maxNewTokens: maxNewTokens(body.max_output_tokens, 'max_output_tokens'),
      ...sampling,
      ...defined({ jsonSchema }),
      answer: { ...answer, ...defined({ topLogprobs, continues: continues || undefined }) },
    },
  };
}

async function addItem(item: InputItem, conversation: Conversation, place: string): Promise<void> {
  const type = item.type ?? 'message';
  if (skipped.has(type)) return;
  if (type === 'function_call_output') {
    const { output } = item;
    const text = typeof output === 'string' ? output : JSON.stringify(output ?? null);
    conversation.add('user', [{ type: 'text', text }]);
    return;
  }
  if (type !== 'message') throw unsupported(`${place}.type`, 'Send messages with texts and pictures.');
  if (item.role === undefined)
    throw new FieldError('request-invalid', `${place}.role`, 'expected a value, received none');
  if (item.content === undefined)
    throw new FieldError('request-invalid', `${place}.content`, 'expected a value, received none');
  const role: ChatMessage['role'] = item.role === 'developer' ? 'system' : item.role;
  conversation.add(role, await partsOf(item.content, conversation, `${place}.content`));
}

async function partsOf(
  content: string | readonly InputPart[] | null,
  conversation: Conversation,
  param: string,
): Promise<MessagePart[]> {
  if (content === null) return [];
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  const parts: MessagePart[] = [];
  for (const [index, { type, text, image_url: url, detail }] of content.entries()) {
    if (type === 'refusal') continue;
    if (type !== 'input_image') {
      if (text == null)
        throw new FieldError('request-invalid', `${param}[${index}].text`, 'expected a value, received none');
      parts.push({ type: 'text', text });
      continue;
    }
    if (url == null)
      throw new FieldError(
        'request-invalid',
        `${param}[${index}].image_url`,
        'expected a data URI, received none',
      );
    parts.push(await conversation.picture(url, detail, `${param}[${index}].image_url`));
  }
  return parts;
}
