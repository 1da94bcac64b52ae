import assert from 'node:assert/strict';

// Requests as the tests of llama.cpp's server send them, with what they check of every answer.

/** Whatever came: the expectations say what it must be. */
export type Parsed = ReturnType<typeof JSON.parse>;
export interface Answer {
  readonly status: number;
  readonly body: Parsed;
  readonly headers: Headers;
}

export const book = [
  { role: 'system', content: 'Book' },
  { role: 'user', content: 'What is the best book' },
];

const scored = { temperature: 0, max_tokens: 5, logprobs: true, top_logprobs: 10 };

/** @param address of the server, once it is there */
export function requestsTo(address: () => string, token: string) {
  async function call(
    path: string,
    data?: object,
    headers: object = { authorization: `Bearer ${token}` },
  ): Promise<Answer> {
    const response = await fetch(`${address()}${path}`, {
      ...(data && { method: 'POST', body: JSON.stringify(data) }),
      headers: { ...headers, ...(data && { 'content-type': 'application/json' }) },
    });
    return { status: response.status, body: (await response.json()) as Parsed, headers: response.headers };
  }

  const chat = (more: object): Promise<Answer> =>
    call('/chat/completions', { max_tokens: 8, messages: book, ...more });

  async function chunks(more: object): Promise<Parsed[]> {
    const response = await fetch(`${address()}/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ max_tokens: 8, messages: book, stream: true, ...more }),
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    });
    assert.equal(response.status, 200);
    const lines = (await response.text()).split('\n\n').filter((line) => line.startsWith('data: {'));
    return lines.map((line) => JSON.parse(line.slice(6)));
  }

  async function content(more: object): Promise<string> {
    const { status, body } = (await chat(more)) as Parsed;
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.choices[0].message.role, 'assistant');
    return body.choices[0].message.content;
  }

  async function refused(more: object): Promise<void> {
    const { status, body } = await chat(more);
    assert.equal(status, 400);
    assert.ok(body.error);
  }

  async function tokens(): Promise<{ readonly text: string; readonly list: Parsed[] }> {
    const { body } = (await chat(scored)) as Parsed;
    return { text: body.choices[0].message.content, list: body.choices[0].logprobs.content };
  }

  async function streamedTokens(): Promise<{ readonly text: string; readonly list: Parsed[] }> {
    const choices = (await chunks(scored)).map((chunk) => chunk.choices[0]);
    return {
      text: choices.map(({ delta }) => delta.content ?? '').join(''),
      list: choices.flatMap(({ logprobs }) => logprobs?.content ?? []),
    };
  }

  async function preflight(origin: string): Promise<Headers> {
    const response = await fetch(`${address()}/completions`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      },
    });
    assert.ok(response.ok);
    return response.headers;
  }

  const responses = (more: object): Promise<Answer> =>
    call('/responses', { input: 'Write an example', max_output_tokens: 10, ...more });

  return { call, chat, chunks, content, refused, tokens, streamedTokens, preflight, responses };
}
