import { readFile } from 'node:fs/promises';
import { tileGrid } from '../../image/tiles';
import { readModelConfigs } from '../../model/checkpoint/checkpoint';
import type { PromptMessage } from '../../prompt/chat-template';
import { PromptBuilder } from '../../prompt/prompt-builder';
import { type Command, requiredString, UsageError } from '../command/command';
import { detailOption } from './detail-option';
import { modelFolder } from './model-folder';

/** `smolvlm inspect prompt`: the prompt's ids for messages and picture sizes; no model is run. */
export const command: Command = {
  summary: 'Show the prompt for messages and pictures of given sizes',
  usage: 'inspect prompt --model M --messages F.json [--sizes WxH,WxH] [--detail low|full]',
  options: {
    model: { type: 'string' },
    messages: { type: 'string' },
    sizes: { type: 'string' },
    detail: { type: 'string' },
  },
  async run(values, _positionals, io) {
    const dir = await modelFolder(values);
    const { config, imageProcessor } = await readModelConfigs(dir);
    const detail = detailOption(values, imageProcessor);
    const messages = await readMessages(requiredString(values, 'messages'));
    const grids = pictureSizes(values.sizes).map(([width, height]) =>
      tileGrid(width, height, imageProcessor, detail),
    );
    const { chat, inputIds } = (await PromptBuilder.open(dir, config)).build(messages, grids);
    io.result({ chat, input_ids: inputIds }, `${chat}\n${inputIds.join(' ')}`);
    return 0;
  },
};

function pictureSizes(value: unknown): (readonly [width: number, height: number])[] {
  if (value === undefined || value === '') return [];
  return String(value)
    .split(',')
    .map((text) => {
      const match = /^\s*([1-9]\d*)\s*[x×]\s*([1-9]\d*)\s*$/i.exec(text);
      if (!match)
        throw new UsageError(`--sizes: expected WxH, received "${text}"`, 'For example 640x480,1280x720.');
      return [Number(match[1]), Number(match[2])];
    });
}

/** A list of messages: role, and text or a list of text and image parts. */
async function readMessages(path: string): Promise<PromptMessage[]> {
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new UsageError(`--messages: ${error.message}`);
  });
  const json = parseJson(text, path);
  if (!Array.isArray(json)) throw new UsageError(`${path}: expected a list of messages`);
  return json.map((message, index) => checkedMessage(message, `${path}: message ${index + 1}`));
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${path}: ${String(error)}`);
  }
}

function checkedMessage(message: unknown, where: string): PromptMessage {
  const { role, content } = (message ?? {}) as { role?: unknown; content?: unknown };
  if (role !== 'system' && role !== 'user' && role !== 'assistant') {
    throw new UsageError(
      `${where}: expected the role system, user or assistant, received ${JSON.stringify(role)}`,
    );
  }
  const parts: unknown[] =
    typeof content === 'string' ? [{ type: 'text', text: content }] : Array.isArray(content) ? content : [];
  if (parts.length === 0) throw new UsageError(`${where}: expected content: text or a list of parts`);
  return {
    role,
    content: parts.map((part) => {
      const { type, text } = (part ?? {}) as { type?: unknown; text?: unknown };
      if (type === 'image') return { type };
      if (type === 'text' && typeof text === 'string') return { type, text };
      throw new UsageError(`${where}: expected parts {"type":"text","text":…} or {"type":"image"}`);
    }),
  };
}
