import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { SmolvlmError } from '../errors';

/** @returns the error of a login that lacks a permission; undefined if `cause` is about something else */
export function permissionError(cause: unknown): SmolvlmError | undefined {
  const violation = violationOf(cause);
  if (!violation) return undefined;
  const { operation, subject } = violation;
  const what = `${operation === 'publish' ? 'publish' : 'subscribe'} to ${subject}`;
  return new SmolvlmError('nats-permission', `the NATS server does not permit this login to ${what}`, {
    hint: 'Add the subject to the permissions of the user. See docs/many-hubs.md, Security.',
    cause,
  });
}

interface Violation {
  readonly operation: string;
  readonly subject: string;
}

function violationOf(error: unknown): Violation | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === 'PermissionViolationError') return error as Error & Violation;
  return violationOf(error.cause);
}

export interface Listener {
  readonly onMessage: (message: Msg) => void;
  /** The login has no permission for the subject: nothing arrives. */
  readonly onRefused: (error: SmolvlmError) => void;
  /** Each message goes to one of the listeners that share it. */
  readonly queue?: string;
}

/** Subscribes to a subject. @returns ends the subscription */
export function listen(
  connection: NatsConnection,
  subject: string,
  { onMessage, onRefused, queue }: Listener,
): () => void {
  const subscription = connection.subscribe(subject, {
    ...(queue !== undefined && { queue }),
    callback: (error, message) => {
      if (!error) onMessage(message);
      else onRefused(permissionError(error) ?? new SmolvlmError('nats-permission', error.message));
    },
  });
  return () => subscription.unsubscribe();
}
