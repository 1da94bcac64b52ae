import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import OpenAI from 'openai';
import { zodResponseFormat, zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { type ServedEngine, serveEngine } from '../../../src/server/serve-engine';
import { demoFrame, demoModel } from '../../fixtures';

const picture = readFileSync(demoFrame('frame_05_porch_day.jpg')).toString('base64');
const url = `data:image/jpeg;base64,${picture}`;
const question = [
  { type: 'text' as const, text: 'What is there?' },
  { type: 'image_url' as const, image_url: { url } },
];

const Scene = z.object({
  people: z.number().int().min(0).max(9),
  weather: z.enum(['sunny', 'wet']).nullable(),
  note: z.string().max(12).optional().nullable(),
  objects: z.array(z.object({ name: z.string().max(8), kind: z.literal('thing') })).max(2),
});

describe("OpenAI's client for Node.js, unmodified, with the demo model", function () {
  this.timeout(120_000);
  let served: ServedEngine;
  let client: OpenAI;

  before(async () => {
    served = await serveEngine({
      tcp: { host: '127.0.0.1', port: 0, token: 'a-token-of-this-test' },
      model: demoModel,
      aliases: new Map([['gpt-4o-mini', demoModel]]),
      log: () => {},
    });
    client = new OpenAI({ apiKey: 'a-token-of-this-test', baseURL: `${served.url}/v1`, maxRetries: 0 });
  });
  after(() => served.close());

  it('finds the model by id and by alias, and no other', async () => {
    const ids: string[] = [];
    for await (const { id } of client.models.list()) ids.push(id);
    assert.ok(ids.includes('demo') && ids.includes('gpt-4o-mini'), ids.join(' '));
    assert.equal((await client.models.retrieve('gpt-4o-mini')).id, 'gpt-4o-mini');
    await assert.rejects(client.models.retrieve('gpt-5'), OpenAI.NotFoundError);
    const unknown = client.chat.completions.create({
      model: demoModel.replace(/demo$/, 'demo-frames'),
      messages: [{ role: 'user', content: 'Hi' }],
    });
    await assert.rejects(unknown, { status: 404, code: 'model_not_found', param: 'model' });
  });

  it('answers a text, and a picture, whole and streamed', async () => {
    const hi = await client.chat.completions.create({
      model: 'gpt-4o-mini',
      messages: [{ role: 'user', content: 'Hi' }],
      max_tokens: 4,
    });
    assert.equal(typeof hi.choices[0]?.message.content, 'string');
    const request = {
      model: 'gpt-4o-mini',
      messages: [{ role: 'user' as const, content: question }],
      max_tokens: 12,
    };
    const whole = await client.chat.completions.create(request);
    const stream = client.chat.completions.stream(request);
    assert.equal(await stream.finalContent(), whole.choices[0]?.message.content);
  });

  it('parses an answer by a zod schema, of chats and of responses', async () => {
    const chat = await client.chat.completions.parse({
      model: 'gpt-4o-mini',
      messages: [{ role: 'user', content: question }],
      response_format: zodResponseFormat(Scene, 'scene'),
    });
    const scene = chat.choices[0]?.message.parsed;
    assert.deepEqual(Scene.parse(scene), scene);
    const response = await client.responses.parse({
      model: 'gpt-4o-mini',
      instructions: 'You describe pictures.',
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'What is there?' },
            { type: 'input_image', image_url: url, detail: 'auto' },
          ],
        },
      ],
      text: { format: zodTextFormat(Scene, 'scene') },
    });
    assert.deepEqual(Scene.parse(response.output_parsed), response.output_parsed);
    assert.equal(response.status, 'completed');
  });

  it('streams a response event by event, whose texts add up', async () => {
    const stream = client.responses.stream({
      model: 'demo',
      input: 'Describe a garden.',
      max_output_tokens: 8,
    });
    const types: string[] = [];
    let text = '';
    for await (const event of stream) {
      if (types.at(-1) !== event.type) types.push(event.type);
      if (event.type === 'response.output_text.delta') text += event.delta;
    }
    assert.deepEqual(types.slice(0, 5), [
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
    ]);
    assert.match(types.at(-1) ?? '', /^response\.(completed|incomplete)$/);
    assert.equal((await stream.finalResponse()).output_text, text);
  });

  it('gives log probabilities whose tokens add up to the text, whole and streamed', async () => {
    const request = {
      model: 'demo',
      messages: [{ role: 'user' as const, content: 'What is the best book?' }],
      max_tokens: 6,
      logprobs: true,
      top_logprobs: 3,
    };
    const { choices } = await client.chat.completions.create(request);
    const tokens = choices[0]?.logprobs?.content ?? [];
    assert.equal(tokens.map(({ token }) => token).join(''), choices[0]?.message.content);
    for (const { logprob, top_logprobs: top } of tokens) {
      assert.ok(logprob <= 0);
      assert.equal(top.length, 3);
      assert.equal(top[0]?.logprob, Math.max(...top.map((each) => each.logprob)));
    }
    const stream = await client.chat.completions.create({ ...request, stream: true });
    let streamed = '';
    for await (const {
      choices: [choice],
    } of stream)
      streamed += choice?.logprobs?.content?.map(({ token }) => token).join('') ?? '';
    assert.equal(streamed, choices[0]?.message.content);
  });

  it('honours n, seeds, stop strings and biases', async () => {
    const request = { model: 'demo', messages: [{ role: 'user' as const, content: 'Tell me of a dog.' }] };
    const drawn = () =>
      client.chat.completions.create({ ...request, n: 3, temperature: 2, seed: -1, max_tokens: 6 });
    const [one, two] = [await drawn(), await drawn()];
    const texts = one.choices.map(({ message }) => message.content);
    assert.equal(new Set(texts).size, 3);
    assert.deepEqual(
      two.choices.map(({ message }) => message.content),
      texts,
    );
    const plain = await client.chat.completions.create({ ...request, max_tokens: 4, logprobs: true });
    const words = (plain.choices[0]?.message.content ?? '').split(' ');
    const stopped = await client.chat.completions.create({ ...request, stop: [words[1] ?? ''] });
    assert.equal(stopped.choices[0]?.message.content, words[0]);
    const id = (await tokenIds(words[0] ?? ''))[0] ?? 0;
    const biased = await client.chat.completions.create({
      ...request,
      max_tokens: 4,
      logit_bias: { [id]: -100 },
    });
    assert.notEqual(biased.choices[0]?.message.content?.split(' ')[0], words[0]);
  });

  it('has errors of the classes that the client knows', async () => {
    const wrong = new OpenAI({ apiKey: 'wrong', baseURL: `${served.url}/v1`, maxRetries: 0 });
    await assert.rejects(async () => wrong.models.list(), OpenAI.AuthenticationError);
    const create = (more: object) =>
      client.chat.completions.create({ model: 'demo', messages: [{ role: 'user', content: 'Hi' }], ...more });
    await assert.rejects(create({ messages: [{ role: 'user' }] }), {
      status: 400,
      param: 'messages[0].content',
    });
    const tools = [{ type: 'function', function: { name: 'f' } }];
    await assert.rejects(create({ tools }), { status: 400, code: 'request-unsupported', param: 'tools' });
    const long = 'word '.repeat(9000);
    await assert.rejects(create({ messages: [{ role: 'user', content: long }], stream: true }), {
      status: 400,
      code: 'context_length_exceeded',
      // litellm looks for these words in Python's form of the body, where an apostrophe beside double quotes is escaped.
      message: /^400 [^"]*; this model's maximum context length is 1024 tokens[^"]*$/,
    });
  });
});

async function tokenIds(word: string): Promise<number[]> {
  const { Tokenizer } = await import('../../../src/prompt/tokenizer.js');
  return (await Tokenizer.open(demoModel)).encode(` ${word}`);
}
