import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ServedEngine, serveEngine } from '../../../src/server/serve-engine';
import { demoFrame, demoModel, repositoryRoot } from '../../fixtures';

// What the programs of docs/recipes send, recorded from their sources; a page there has a replay here.

const token = 'a-token-of-this-test';
const model = 'gpt-4o-mini';
const url = `data:image/jpeg;base64,${readFileSync(demoFrame('frame_05_porch_day.jpg')).toString('base64')}`;

interface Replay {
  readonly path: string;
  /** Absent: a GET request. */
  readonly body?: object;
  /** The schema that the answer must have kept to: its required names. */
  readonly json?: readonly string[];
}

function jsonSchema(properties: object, more: object = {}): object {
  return {
    type: 'json_schema',
    json_schema: {
      name: 'answer',
      strict: true,
      schema: {
        type: 'object',
        properties,
        required: Object.keys(properties),
        additionalProperties: false,
        ...more,
      },
    },
  };
}

const text = (words: string) => ({ type: 'text', text: words });
const image = (detail?: string) => ({ type: 'image_url', image_url: { url, ...(detail && { detail }) } });
const chat = '/v1/chat/completions';

const replays: Readonly<Record<string, readonly Replay[]>> = {
  'llm-vision': [
    {
      path: chat,
      body: { model, messages: [{ role: 'user', content: [text('Hi')] }], max_tokens: 1, temperature: 0.5 },
    },
    {
      path: chat,
      body: {
        model,
        messages: [
          { role: 'system', content: 'Describe what happens.' },
          { role: 'user', content: [text('Image 1:'), image(), text('Describe the scene.')] },
        ],
        max_completion_tokens: 40,
        temperature: 0.5,
        top_p: 0.9,
      },
    },
    {
      path: chat,
      body: {
        model,
        messages: [{ role: 'user', content: [image(), text('How many people?')] }],
        max_tokens: 100,
        response_format: jsonSchema({
          people: { type: 'number', minimum: 0, maximum: 20, description: 'People' },
          note: { type: 'string' },
        }),
      },
      json: ['people', 'note'],
    },
    {
      path: chat,
      body: { model, messages: [{ role: 'user', content: 'Give this event a title.' }], max_tokens: 10 },
    },
  ],
  frigate: [
    {
      path: chat,
      body: {
        model,
        messages: [{ role: 'user', content: [image('low'), image('low'), text('Describe the person.')] }],
      },
    },
    {
      path: chat,
      body: {
        model,
        messages: [{ role: 'user', content: [image('low'), text('Review this.')] }],
        response_format: jsonSchema({
          title: { type: 'string', title: 'Title' },
          scene: { type: 'string' },
          confidence: { type: 'number', minimum: 0, maximum: 1 },
          potential_threat_level: { type: 'integer', minimum: 0, maximum: 2 },
          other_concerns: {
            anyOf: [{ items: { type: 'string' }, type: 'array' }, { type: 'null' }],
            default: null,
          },
        }),
        max_tokens: 300,
      },
      json: ['title', 'scene', 'confidence', 'potential_threat_level', 'other_concerns'],
    },
    {
      path: chat,
      body: { model, messages: [{ role: 'user', content: 'Summarise the day.' }], max_tokens: 10 },
    },
  ],
  'home-assistant-openai': [
    {
      path: '/v1/responses',
      body: {
        model,
        input: [
          { type: 'message', role: 'developer', content: 'You are a voice assistant.' },
          {
            type: 'message',
            role: 'user',
            content: [
              { type: 'input_text', text: 'What is there?' },
              { type: 'input_image', image_url: url, detail: 'auto' },
            ],
          },
        ],
        max_output_tokens: 20,
        top_p: 1,
        temperature: 1,
        user: 'conversation-id',
        store: false,
        stream: true,
        service_tier: 'auto',
      },
    },
    {
      path: '/v1/responses',
      body: {
        model,
        input: [{ type: 'message', role: 'user', content: 'Fill this in.' }],
        max_output_tokens: 100,
        store: false,
        text: {
          format: {
            type: 'json_schema',
            name: 'task',
            strict: true,
            schema: {
              type: 'object',
              properties: { open: { type: ['boolean', 'null'] } },
              required: ['open'],
              additionalProperties: false,
            },
          },
        },
      },
      json: ['open'],
    },
  ],
  openrouter: [
    {
      path: chat,
      body: {
        model,
        messages: [
          { role: 'system', content: 'You are a voice assistant.' },
          { role: 'user', content: 'Hi' },
        ],
        user: 'conversation-id',
        stream: true,
        max_tokens: 8,
        provider: { require_parameters: true },
      },
    },
    {
      path: chat,
      body: {
        model,
        messages: [{ role: 'user', content: 'Fill this in.' }],
        user: 'conversation-id',
        response_format: jsonSchema({ room: { type: 'string', enum: ['kitchen', 'hall'] } }),
      },
      json: ['room'],
    },
  ],
  'open-webui': [
    { path: '/v1/models' },
    { path: chat, body: { model, stream: true, messages: [{ role: 'user', content: 'Hi' }], max_tokens: 8 } },
    {
      path: chat,
      body: {
        model,
        stream: false,
        messages: [{ role: 'user', content: '### Task: Generate a concise title.' }],
        max_completion_tokens: 10,
        metadata: { task: 'title_generation' },
      },
    },
    {
      path: chat,
      body: {
        model,
        stream: true,
        stream_options: { include_usage: true },
        messages: [{ role: 'user', content: [text('What is it?'), image()] }],
        max_tokens: 8,
      },
    },
  ],
  litellm: [
    {
      path: chat,
      body: {
        model,
        messages: [{ role: 'user', content: [text('What is it?'), image()] }],
        max_tokens: 8,
        extra_body: {},
      },
    },
  ],
  langchain: [
    {
      path: chat,
      body: { model, messages: [{ role: 'user', content: 'Hi' }], stream: false, max_completion_tokens: 8 },
    },
  ],
  'ai-sdk': [
    {
      path: chat,
      body: {
        model,
        messages: [{ role: 'user', content: [image(), text('Is there a parcel on the porch?')] }],
        response_format: jsonSchema(
          { parcel: { type: 'boolean' }, where: { type: 'string' } },
          { $schema: 'http://json-schema.org/draft-07/schema#' },
        ),
      },
      json: ['parcel', 'where'],
    },
  ],
  curl: [
    {
      path: chat,
      body: { messages: [{ role: 'user', content: [image(), text('What is there?')] }], max_tokens: 8 },
    },
  ],
};

describe('programs that use the engine', function () {
  this.timeout(120_000);
  let served: ServedEngine;
  before(async () => {
    served = await serveEngine({
      tcp: { host: '127.0.0.1', port: 0, token },
      model: demoModel,
      aliases: new Map([[model, demoModel]]),
      log: () => {},
    });
  });
  after(() => served.close());

  for (const [program, requests] of Object.entries(replays)) {
    it(`${program} is answered`, async () => {
      for (const { path, body, json } of requests) {
        const response = await fetch(`${served.url}${path}`, {
          ...(body && { method: 'POST', body: JSON.stringify(body) }),
          headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
        });
        const answer = await response.text();
        assert.equal(response.status, 200, answer);
        assert.doesNotMatch(answer, /"error":\{/);
        if (json) assert.deepEqual(Object.keys(JSON.parse(textOf(JSON.parse(answer)))), json);
      }
    });
  }

  it('have a page each', () => {
    const pages = readdirSync(join(repositoryRoot, 'docs', 'recipes')).filter((name) => name !== 'README.md');
    assert.deepEqual(
      pages.sort(),
      Object.keys(replays)
        .map((name) => `${name}.md`)
        .sort(),
    );
  });
});

/** Of a chat completion or a response. */
function textOf(answer: ReturnType<typeof JSON.parse>): string {
  return answer.output?.[0].content[0].text ?? answer.choices[0].message.content;
}
