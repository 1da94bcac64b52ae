import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { SmolvlmError } from '../errors';
import type { FinalEvent } from '../protocol/events';
import { isEngineEvent, isFinal } from '../protocol/ndjson';
import { apiCode, ensureStreams, isSubjectTaken } from './frame-streams';
import { isTransient, type NatsLink, words } from './nats-connection';
import { permissionError } from './nats-permission';

/** How long an answer is sent again while the server is out of reach. */
const patienceMs = 60_000;
const retryMs = 500;

/**
 * Publishes a final event, and keeps it for requesters that lost their connection. The first answer of a request stays.
 * @returns whether it is the first
 * @throws SmolvlmError `nats-publish` when the server stays out of reach
 */
export async function publishAnswer(link: NatsLink, final: FinalEvent): Promise<boolean> {
  const { jetstream, subjects, connection } = link;
  // The server takes a repeated message id for the same message, and checks it first.
  const options = {
    timeout: link.confirmMs,
    retries: 3,
    msgID: `answer-${randomUUID()}`,
    expect: { lastSubjectSequence: 0 },
  };
  const startedAt = performance.now();
  for (;;) {
    try {
      await jetstream.publish(subjects.answer(final.id), JSON.stringify(final), options);
      return true;
    } catch (cause) {
      if (isSubjectTaken(cause, link)) return false;
      // The server could not keep it, e.g. because its disk is full; listeners have received it.
      if (typeof apiCode(cause) === 'number') return true;
      const isOver = performance.now() - startedAt > patienceMs || connection.isClosed();
      if (isOver || !isTransient(cause)) {
        throw (
          permissionError(cause) ??
          new SmolvlmError('nats-publish', `an answer could not be published: ${words(cause)}`, {
            cause,
          })
        );
      }
    }
    await delay(retryMs);
    // Somebody may have deleted the stream: then nothing confirms the answer.
    await ensureStreams(link).catch(() => {});
  }
}

/** @returns the kept final event of a request, if there is one */
export async function keptAnswer(link: NatsLink, id: string): Promise<FinalEvent | undefined> {
  const data = await lastMessage(link, link.subjects.answer(id));
  return data === undefined ? undefined : parseFinal(data);
}

/**
 * Asks again while the server is out of reach: whether a frame replaces another depends on it.
 * @returns the kept final event; undefined if there is none, or once the request has ended
 */
export async function certainAnswer(
  link: NatsLink,
  id: string,
  ended: AbortSignal,
): Promise<FinalEvent | undefined> {
  while (!ended.aborted) {
    try {
      return await keptAnswer(link, id);
    } catch (error) {
      if (!isTransient(error) || link.connection.isClosed()) return undefined;
    }
    await delay(retryMs);
  }
  return undefined;
}

/** @returns how often hubs returned the request without working on it */
export async function returnsOf(link: NatsLink, id: string): Promise<number> {
  return Number((await lastMessage(link, link.subjects.returned(id))) ?? 0);
}

export async function countReturn(link: NatsLink, id: string): Promise<void> {
  const before = await returnsOf(link, id);
  await link.jetstream.publish(link.subjects.returned(id), String(before + 1));
}

async function lastMessage({ manager, subjects }: NatsLink, subject: string): Promise<string | undefined> {
  const stored = await manager.streams.getMessage(subjects.answerStream, { last_by_subj: subject });
  return stored?.string();
}

export function parseFinal(text: string): FinalEvent | undefined {
  const event: unknown = JSON.parse(text);
  const isEvent = typeof event === 'object' && event !== null && isEngineEvent(event);
  return isEvent && isFinal(event) ? event : undefined;
}
