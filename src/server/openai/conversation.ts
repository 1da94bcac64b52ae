import { SmolvlmError } from '../../errors';
import type { ChatMessage, Detail, MessagePart } from '../../protocol/describe-request';
import { checkSizes } from '../http/bodies/form-parts';
import { type FetchPicture, readImageUrl } from './image-url';
import { FieldError } from './openai-errors';

/** The messages of a request with their pictures, as they are read one after another. */
export class Conversation {
  readonly messages: ChatMessage[] = [];
  readonly #pictures: Uint8Array[] = [];
  readonly #places: string[] = [];
  readonly #fetchPicture: FetchPicture | undefined;
  #full = false;

  constructor(fetchPicture: FetchPicture | undefined) {
    this.#fetchPicture = fetchPicture;
  }

  /** `full` if a picture asks for high detail. */
  get detail(): Detail {
    return this.#full ? 'full' : 'low';
  }

  get pictures(): readonly Uint8Array[] {
    return this.#pictures;
  }

  /** Of the field that holds each picture, e.g. `messages[0].content[1].image_url.url`. */
  get places(): readonly string[] {
    return this.#places;
  }

  /** Whether the last message is the beginning of the assistant's answer. @throws FieldError for two of them */
  continues(param: string): boolean {
    const [before, last] = this.messages.slice(-2).map(({ role }) => role);
    const isAssistant = (last ?? before) === 'assistant';
    if (isAssistant && before === 'assistant' && last === 'assistant') {
      throw new FieldError(
        'request-invalid',
        param,
        'expected at most one assistant message at the end, received two',
      );
    }
    return isAssistant;
  }

  /** Adds a message; one without parts gets an empty text, which chat templates need. */
  add(role: ChatMessage['role'], parts: readonly MessagePart[]): void {
    this.messages.push({ role, content: parts.length > 0 ? parts : [{ type: 'text', text: '' }] });
  }

  /** @param param place of the field that holds the address @throws FieldError */
  async picture(url: string, detail: string | null | undefined, param: string): Promise<MessagePart> {
    try {
      this.#pictures.push(await readImageUrl(url, param, this.#fetchPicture));
      this.#places.push(param);
      checkSizes(this.#pictures);
    } catch (cause) {
      if (!(cause instanceof SmolvlmError) || cause instanceof FieldError) throw cause;
      const { code, message, hint } = cause;
      throw new FieldError(code, param, message, { hint, cause });
    }
    this.#full ||= detail === 'high' || detail === 'original';
    return { type: 'image' };
  }
}
