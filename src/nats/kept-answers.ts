import { SmolvlmError } from '../errors';
import type { FinalEvent } from '../protocol/events';
import { isEngineEvent, isFinal } from '../protocol/ndjson';
import { type NatsLink, words } from './nats-connection';

/** Publishes a final event, and keeps it for requesters that lost their connection. @throws SmolvlmError `nats-publish` */
export async function publishAnswer({ jetstream, subjects }: NatsLink, final: FinalEvent): Promise<void> {
  try {
    await jetstream.publish(subjects.answer(final.id), JSON.stringify(final), { retries: 3 });
  } catch (cause) {
    throw new SmolvlmError('nats-publish', `an answer could not be published: ${words(cause)}`, { cause });
  }
}

/** @returns the kept final event of a request, if there is one */
export async function keptAnswer(link: NatsLink, id: string): Promise<FinalEvent | undefined> {
  const data = await lastMessage(link, link.subjects.answer(id));
  return data === undefined ? undefined : parseFinal(data);
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
