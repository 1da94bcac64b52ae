import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorBody } from '../errors';
import { PromptError } from './prompt-error';
import type { PromptPiece } from './tokenizer';

/** Typed as an ES module, so it is loaded by `import()`. */
const loadLibrary = () => import('@huggingface/jinja');

type Template = InstanceType<Awaited<ReturnType<typeof loadLibrary>>['Template']>;

export type PromptPart = { readonly type: 'text'; readonly text: string } | { readonly type: 'image' };

/** A message of a conversation. */
export interface PromptMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: readonly PromptPart[];
}

/** The checkpoint's own chat template. */
export class ChatTemplate {
  readonly #template: Template;

  private constructor(template: Template) {
    this.#template = template;
  }

  /** @throws PromptError `prompt-template` when it is not a Jinja template */
  static async parse(source: string): Promise<ChatTemplate> {
    const { Template } = await loadLibrary();
    try {
      return new ChatTemplate(new Template(source));
    } catch (cause) {
      throw templateError(cause);
    }
  }

  /** Reads it from where checkpoints keep it: chat_template.jinja, chat_template.json, tokenizer_config.json. */
  static async open(dir: string): Promise<ChatTemplate> {
    const read = (name: string): Promise<string | undefined> =>
      readFile(join(dir, name), 'utf8').catch(() => undefined);
    const jinja = await read('chat_template.jinja');
    if (jinja !== undefined) return ChatTemplate.parse(jinja);
    for (const name of ['chat_template.json', 'tokenizer_config.json']) {
      const source = templateIn(await read(name));
      if (source !== undefined) return ChatTemplate.parse(source);
    }
    throw new PromptError('prompt-template', `${dir} has no chat template`, {
      hint: 'Pull the checkpoint again: its chat_template.jinja or chat_template.json is missing.',
    });
  }

  /**
   * @returns the conversation up to where the assistant's answer begins, as pieces: the template's own text,
   * in which control tokens are recognised, and the messages' text, in which they are not
   */
  render(messages: readonly PromptMessage[]): PromptPiece[] {
    // The template renders each text as a marker that no text can contain; the text is put back afterwards.
    const texts: string[] = [];
    const nonce = randomUUID();
    const marked = messages.map(({ role, content }) => ({
      role,
      content: content.map((part) =>
        part.type === 'image'
          ? part
          : { type: 'text', text: `\uE000${nonce}:${texts.push(part.text) - 1}\uE001` },
      ),
    }));
    const parts = this.#render(marked).split(new RegExp(`\uE000${nonce}:(\\d+)\uE001`));
    return parts
      .map((part, index) =>
        index % 2 === 0 ? { text: part, plain: false } : { text: texts[Number(part)] ?? '', plain: true },
      )
      .filter(({ text }) => text !== '');
  }

  #render(messages: unknown): string {
    try {
      return this.#template.render({ messages, add_generation_prompt: true });
    } catch (cause) {
      throw templateError(cause);
    }
  }
}

function templateIn(json: string | undefined): string | undefined {
  try {
    const source: unknown = JSON.parse(json ?? '{}').chat_template;
    return typeof source === 'string' ? source : undefined;
  } catch {
    return undefined;
  }
}

function templateError(cause: unknown): PromptError {
  return new PromptError('prompt-template', `the chat template cannot be used: ${errorBody(cause).message}`, {
    hint: 'Pull the checkpoint again, or put a valid chat_template.jinja into its folder.',
    cause,
  });
}
