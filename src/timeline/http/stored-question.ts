import { SmolvlmError } from '../../errors';
import type { DescribeFinal, EngineEvent } from '../../protocol/events';
import { eventStreamType, heartbeatMs } from '../../protocol/ndjson';
import { entryBody } from './entry-body';
import { readJsonBody } from './request-body';
import type { Timeline } from './timeline';
import type { AskLine } from './timeline-api';
import { type Exchange, peerGone, streamHeaders } from './timeline-response';

const maxQuestionCharacters = 1000;

/**
 * Asks an entry's picture another question, streams the answer as lines of JSON and keeps it with the entry. The request
 * is cancelled when the client leaves. @throws SmolvlmError before the first line
 */
export async function askPicture(exchange: Exchange, { store, ask }: Timeline, id: number): Promise<void> {
  const question = questionOf(await readJsonBody(exchange));
  if (!ask) {
    throw new SmolvlmError('timeline-no-engine', 'this timeline has no engine that could answer', {
      hint: 'Choose an engine in the dialog of the smolvlm-timeline node.',
    });
  }
  const picture = await store.picture(id);
  if (!picture) {
    const found = await store.entry(id);
    if (!found) throw noEntry(id);
    throw new SmolvlmError('timeline-no-picture', 'the picture of this entry was not kept', {
      hint: 'Let the smolvlm-timeline node keep pictures, not only thumbnails.',
    });
  }
  const { response } = exchange;
  const gone = peerGone(exchange);
  response.writeHead(200, { ...streamHeaders, 'content-type': eventStreamType });
  response.flushHeaders();
  response.on('error', () => {});
  const write = (line: AskLine): void => {
    if (!gone.aborted) response.write(`${JSON.stringify(line)}\n`);
  };
  const beat = setInterval(() => gone.aborted || response.write('\n'), heartbeatMs);
  try {
    const final = await ask(question, picture, {
      signal: gone,
      onEvent: (event) => {
        const line = lineOf(event);
        if (line) write(line);
      },
    });
    const answer = answerOf(final);
    const entry = await store.addAnswer(id, question, answer);
    if (!entry) throw noEntry(id);
    write({ type: 'answer', answer: { question, answer }, entry: entryBody(entry) });
  } catch (error) {
    write({ type: 'error', error: SmolvlmError.from(error).toJSON() });
  } finally {
    clearInterval(beat);
    response.end();
  }
}

export function noEntry(id: number): SmolvlmError {
  return new SmolvlmError('timeline-no-entry', `there is no entry ${id}`, {
    hint: 'It was deleted, by hand or because the timeline keeps a limited number of days or megabytes.',
  });
}

function questionOf(body: unknown): string {
  const given = typeof body === 'object' && body !== null && 'question' in body ? body.question : undefined;
  const question = typeof given === 'string' ? given.trim() : '';
  if (question === '' || question.length > maxQuestionCharacters) {
    throw new SmolvlmError(
      'request-invalid',
      `expected {"question": a string of 1 to ${maxQuestionCharacters} characters}, received ${JSON.stringify(body)?.slice(0, 80)}`,
    );
  }
  return question;
}

function lineOf(event: EngineEvent): AskLine | undefined {
  if (event.type === 'token') return { type: 'token', text: event.text };
  if (event.type !== 'progress') return undefined;
  const { phase, done, total } = event;
  return { type: 'progress', phase, done, total };
}

function answerOf(final: DescribeFinal): string {
  switch (final.type) {
    case 'result':
      return final.result.text;
    case 'dropped':
      throw new SmolvlmError(`engine-dropped-${final.reason}`, final.message);
    case 'error':
      throw SmolvlmError.from(final.error);
  }
}
