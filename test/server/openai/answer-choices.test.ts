import assert from 'node:assert/strict';
import Fastify from 'fastify';
import { EventStream } from '../../../src/engine/event-stream';
import type { CaptionResult } from '../../../src/protocol/events';
import { isFinal } from '../../../src/protocol/ndjson';
import { answerChoices } from '../../../src/server/openai/answer-choices';
import { finalResult } from '../../../src/server/openai/openai-request';

const failure = { code: 'image-damaged', message: 'the picture is damaged' };

/** Answers with two choices. @param fail called once the response may begin */
async function answered(stream: boolean, fail: (streams: readonly EventStream[]) => void) {
  const left: number[] = [];
  const streams = [0, 1].map((index) => new EventStream(() => left.push(index)));
  const app = Fastify();
  app.get('/', async (_request, reply) =>
    answerChoices(reply, streams, {
      stream,
      whole: () => ({}),
      usageChunk: {},
      chunks: async (send, index, events): Promise<CaptionResult> => {
        for await (const event of events) {
          if (isFinal(event)) return finalResult(event);
          await send({ index, text: event.type === 'token' ? event.text : '' });
          fail(streams);
        }
        return finalResult(undefined);
      },
    }),
  );
  if (!stream) fail(streams);
  else for (const each of streams) each.push({ type: 'token', id: 'a', text: 'A' });
  const { statusCode, body } = await app.inject('/');
  await app.close();
  return { statusCode, body, left };
}

describe('choices of a completion', () => {
  it('are cancelled when one of them fails, and none is sent after the error', async () => {
    const { body, left } = await answered(true, ([first]) =>
      first?.push({ type: 'error', id: 'a', error: failure }),
    );
    const lines = body.split('\n').filter((line) => line.startsWith('data: '));
    assert.match(lines.at(-2) ?? '', /image-damaged/);
    assert.equal(lines.at(-1), 'data: [DONE]');
    assert.deepEqual(left, [1]);
  });

  it('are cancelled when one of them fails before a whole answer', async () => {
    const { statusCode, left } = await answered(false, ([first]) =>
      first?.push({ type: 'error', id: 'a', error: failure }),
    );
    assert.equal(statusCode, 500);
    assert.deepEqual(left, [1]);
  });
});
