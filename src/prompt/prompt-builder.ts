import { imageTokensPerTile, type ModelConfig } from '../model/checkpoint/model-config';
import { ChatTemplate, type PromptMessage } from './chat-template';
import { expandImage, type ImageGrid } from './image-placeholder';
import { PromptError } from './prompt-error';
import { type PromptPiece, Tokenizer } from './tokenizer';

/** A conversation as the decoder's input. */
export interface Prompt {
  /** The rendered template, one `<image>` per picture. */
  readonly chat: string;
  /** The same with every picture's tiles and image tokens expanded. */
  readonly expanded: string;
  readonly inputIds: readonly number[];
}

/** Converts messages to token ids, with a checkpoint's template and tokenizer. */
export class PromptBuilder {
  readonly tokenizer: Tokenizer;
  readonly #template: ChatTemplate;
  readonly #imageToken: string;
  readonly #tokensPerTile: number;
  readonly #contextLimit: number;

  constructor(tokenizer: Tokenizer, template: ChatTemplate, config: ModelConfig) {
    const imageToken = tokenizer.controlTokenText(config.imageTokenId);
    if (imageToken === undefined) {
      throw new PromptError(
        'prompt-tokenizer',
        `config.json's image_token_id ${config.imageTokenId} is not a control token of tokenizer.json`,
        { hint: 'Pull the checkpoint again: its files do not belong together.' },
      );
    }
    this.tokenizer = tokenizer;
    this.#template = template;
    this.#imageToken = imageToken;
    this.#tokensPerTile = imageTokensPerTile(config);
    this.#contextLimit = config.text.maxPositionEmbeddings;
  }

  /** @param dir folder with the tokenizer and chat template @throws PromptError */
  static async open(dir: string, config: ModelConfig): Promise<PromptBuilder> {
    return new PromptBuilder(await Tokenizer.open(dir), await ChatTemplate.open(dir), config);
  }

  /**
   * @param grids one per picture, in the order of the messages' image parts
   * @param limits `contextLimit`: if below the model's own; `room`: tokens to keep for the answer; `continues`: the last
   *   message, the assistant's, is the beginning of the answer; `raw`: the texts alone, without the template
   * @throws PromptError `prompt-empty`, `prompt-images`, `prompt-too-long`
   */
  build(
    messages: readonly PromptMessage[],
    grids: readonly ImageGrid[],
    limits: {
      readonly contextLimit?: number;
      readonly room?: number;
      readonly continues?: boolean;
      readonly raw?: boolean;
    } = {},
  ): Prompt {
    const { contextLimit = this.#contextLimit, room = 1 } = limits;
    checkContent(messages, grids.length);
    this.#checkLength(messages);
    const pieces = limits.raw
      ? textPieces(messages)
      : limits.continues
        ? this.#begun(messages)
        : this.#template.render(messages);
    const expanded = this.#expand(pieces, grids);
    const inputIds = this.tokenizer.encodePieces(expanded);
    if (inputIds.length + room > contextLimit) throw tooLong(`${inputIds.length} tokens`, room, contextLimit);
    return { chat: joined(pieces), expanded: joined(expanded), inputIds };
  }

  /** The conversation with the beginning of the assistant's answer. */
  #begun(messages: readonly PromptMessage[]): PromptPiece[] {
    const begun = textPieces(messages.slice(-1));
    const before = this.#template.render(messages.slice(0, -1));
    const space = /\s$/.test(before.at(-1)?.text ?? '') ? '' : ' ';
    return [...before, { text: space, plain: true }, ...begun];
  }

  #expand(pieces: readonly PromptPiece[], grids: readonly ImageGrid[]): PromptPiece[] {
    let used = 0;
    const expanded = pieces.map((piece) => {
      if (piece.plain) return piece;
      const text = piece.text.replaceAll(this.#imageToken, () => {
        const grid = grids[used++];
        return grid === undefined ? '' : expandImage(grid, this.#imageToken, this.#tokensPerTile);
      });
      return { text, plain: false };
    });
    if (used === grids.length) return expanded;
    throw new PromptError(
      'prompt-template',
      `the chat template wrote ${used} places for ${grids.length} pictures`,
      { hint: 'Put pictures into user messages: templates of this family ignore them elsewhere.' },
    );
  }

  /** Refuses early what cannot fit: no token stands for more than 128 characters. */
  #checkLength(messages: readonly PromptMessage[]): void {
    const characters = messages
      .flatMap(({ content }) => content)
      .reduce((sum, part) => sum + (part.type === 'text' ? part.text.length : 0), 0);
    if (characters > this.#contextLimit * 128)
      throw tooLong(`${characters} characters`, 0, this.#contextLimit);
  }
}

/** The usual request: all pictures, then the question. */
export function questionMessages(question: string, pictures: number): PromptMessage[] {
  const images = Array.from({ length: pictures }, () => ({ type: 'image' }) as const);
  return [{ role: 'user', content: [...images, { type: 'text', text: question }] }];
}

/** What a conversation asks: the text of its last message by the user that has one. */
export function askedLast(messages: readonly PromptMessage[]): string | undefined {
  const texts = messages
    .filter(({ role }) => role === 'user')
    .map(({ content }) => content.flatMap((part) => (part.type === 'text' ? part.text : [])).join('\n'));
  return texts.findLast((text) => text.trim() !== '');
}

function textPieces(messages: readonly PromptMessage[]): PromptPiece[] {
  const parts = messages.flatMap(({ content }) => content);
  return parts.flatMap((part) => (part.type === 'text' ? { text: part.text, plain: true } : []));
}

function joined(pieces: readonly PromptPiece[]): string {
  return pieces.map(({ text }) => text).join('');
}

function checkContent(messages: readonly PromptMessage[], pictures: number): void {
  const parts = messages.flatMap(({ content }) => content);
  const places = parts.filter(({ type }) => type === 'image').length;
  if (places !== pictures) {
    throw new PromptError(
      'prompt-images',
      `the messages have ${places} places for pictures, received ${pictures}`,
      {
        hint: 'Give one { "type": "image" } part for each picture.',
      },
    );
  }
  const texts = parts.flatMap((part) => (part.type === 'text' ? part.text.trim() : []));
  // Pictures without any text part are a request of OpenAI's API: the model describes them.
  const isPicturesAlone = places > 0 && texts.length === 0;
  if (!isPicturesAlone && texts.every((text) => text === '')) {
    throw new PromptError('prompt-empty', 'expected a prompt, received an empty one', {
      hint: 'Write a question or instruction, e.g. "Describe this image."',
    });
  }
}

function tooLong(size: string, room: number, contextLimit: number): PromptError {
  const answer = room > 0 ? ` and ${room} for the answer` : '';
  return new PromptError(
    'prompt-too-long',
    // OpenAI's words: programs look for them.
    `the prompt has ${size}${answer}; this model's maximum context length is ${contextLimit} tokens`,
    // Without double quotes: Python's repr would escape the apostrophe, and litellm would miss the words.
    { hint: 'Shorten the prompt, send fewer pictures, or use low detail.' },
  );
}
