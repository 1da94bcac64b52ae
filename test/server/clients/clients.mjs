// Clients of OpenAI's API for JavaScript, as their own documentation uses them; one line of JSON per answer.
// Arguments: the API's address, a token, a picture, the node_modules folder of the clients.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [, , baseURL, apiKey, picture, packages] = process.argv;
const resolve = createRequire(join(packages, 'clients.js')).resolve;
const load = async (name) => await import(resolve(name));
const { generateText, Output, streamText } = await load('ai');
const { createOpenAI } = await load('@ai-sdk/openai');
const { createOpenAICompatible } = await load('@ai-sdk/openai-compatible');
const { OpenAI } = await load('openai');
const { zodTextFormat } = await load('openai/helpers/zod');
const { z } = await load('zod');

const prompt = 'Describe this image.';
const bytes = readFileSync(picture);
const schema = z.object({ count: z.number().int(), what: z.enum(['car', 'person']) });
const print = (client, kind, value) => process.stdout.write(`${JSON.stringify({ client, kind, value })}\n`);

const sdk = createOpenAI({ baseURL, apiKey });
const compatible = createOpenAICompatible({ name: 'hub', baseURL, apiKey, supportsStructuredOutputs: true });
const messages = [
  {
    role: 'user',
    content: [
      { type: 'file', data: bytes, mediaType: 'image/jpeg' },
      { type: 'text', text: prompt },
    ],
  },
];
for (const [client, model] of [
  ['AI SDK, responses', sdk('gpt-4o-mini')],
  ['AI SDK, chat', sdk.chat('gpt-4o-mini')],
  ['AI SDK, compatible', compatible('gpt-4o-mini')],
]) {
  const { text, finishReason } = await generateText({ model, messages, maxRetries: 0 });
  print(client, `text ${finishReason}`, text);
  const parts = [];
  for await (const part of streamText({ model, messages, maxRetries: 0 }).textStream) parts.push(part);
  print(client, `stream ${parts.length > 1}`, parts.join(''));
  const output = Output.object({ schema });
  const answer = await generateText({ model, messages, maxRetries: 0, output });
  print(client, 'object', schema.parse(answer.output).what);
}

const openai = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const image_url = `data:image/jpeg;base64,${bytes.toString('base64')}`;
const input = [
  {
    role: 'user',
    content: [
      { type: 'input_image', image_url, detail: 'auto' },
      { type: 'input_text', text: prompt },
    ],
  },
];
const model = 'gpt-4o-mini';
print('openai', 'text stop', (await openai.responses.create({ model, input })).output_text);
const format = zodTextFormat(schema, 'seen');
const parsed = await openai.responses.parse({ model, input, text: { format } });
print('openai', 'object', parsed.output_parsed.what);
