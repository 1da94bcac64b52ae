const image = {
  type: 'image_url',
  image_url: { url: `data:image/png;base64,${btoa('picture')}`, detail: 'low' },
};
const schema = {
  type: 'object',
  properties: {
    a: { type: 'string', pattern: '^[a-c]{2}$', maxLength: 5 },
    b: { anyOf: [{ $ref: '#/$defs/c' }, { type: 'null' }] },
  },
  required: ['a'],
  $defs: { c: { type: 'number', minimum: 0, exclusiveMaximum: 2.5 } },
};
const sampling = {
  temperature: 0.5,
  top_p: 1,
  top_k: 5,
  seed: -1,
  presence_penalty: 0.1,
  frequency_penalty: 0.1,
  logit_bias: { 100: 5 },
  user: 'u',
};
const chat = {
  model: 'demo',
  messages: [
    { role: 'system', content: 'You are a camera.' },
    { role: 'user', content: [{ type: 'text', text: 'what is it' }] },
    { role: 'assistant', content: null },
    { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
  ],
  max_tokens: 3,
  n: 1,
  logprobs: true,
  top_logprobs: 2,
  stream: false,
  tools: [],
  stop: ['.'],
  ...sampling,
};
/** A request of each route of OpenAI's API, with every field that it has; what the fuzzers change. */
export const openaiRequests: Readonly<Record<string, object>> = {
  '/v1/chat/completions': chat,
  '/chat/completions': {
    ...chat,
    messages: [{ role: 'user', content: [image, { type: 'text', text: 'what is it' }] }],
    response_format: { type: 'json_schema', json_schema: { name: 'a', strict: true, schema } },
    max_tokens: 40,
    stop: null,
    stream: true,
  },
  '/v1/completions': {
    model: null,
    prompt: 'I believe',
    max_tokens: 3,
    logprobs: 2,
    echo: false,
    ...sampling,
  },
  '/v1/responses': {
    input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hi' }] }],
    instructions: 'Be brief.',
    max_output_tokens: 40,
    text: { format: { type: 'json_schema', name: 'a', schema } },
    store: false,
    stream: false,
    ...sampling,
  },
};
