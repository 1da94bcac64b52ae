import type { Msg } from '@nats-io/transport-node';
import { errorBody, SmolvlmError } from '../../errors';
import { featuresGone } from '../../protocol/features';
import { exceedsMessage } from '../large-pictures';
import type { NatsLink } from '../nats-connection';

/** Replies to a question about the hub itself, with the value or the error. Never throws. */
export async function replyTo(link: NatsLink, message: Msg, answer: () => Promise<unknown>): Promise<void> {
  const body = await answer().then(
    (value) => ({ value }),
    (error: unknown) => ({ error: errorBody(error) }),
  );
  const text = JSON.stringify(body);
  const sizeBytes = Buffer.byteLength(text);
  const fitting = exceedsMessage(link, sizeBytes)
    ? JSON.stringify({ error: errorBody(answerTooLarge(sizeBytes)) })
    : text;
  try {
    message.respond(fitting);
  } catch {
    // The connection has been closed meanwhile: no reply reaches the client.
  }
}

export function answerTooLarge(sizeBytes: number): SmolvlmError {
  return new SmolvlmError(
    'nats-publish',
    `the answer of ${sizeBytes} bytes exceeds the limit of the NATS server`,
    {
      hint: 'Raise max_payload of the server, or request fewer tokens or a smaller thumbnail.',
    },
  );
}

export function keeperStops(): SmolvlmError {
  return new SmolvlmError(featuresGone, 'the hub that keeps these features is stopping');
}
