import type { DescribeRequest } from '../protocol/describe-request';
import type { DropReason, FinalEvent } from '../protocol/events';

/** An unanswered request. */
export interface UnansweredRequest {
  readonly request: DescribeRequest;
  /** Time for which the engine has not confirmed it; undefined once it has. */
  readonly unconfirmedMs: number | undefined;
  drop(reason: DropReason, message: string): void;
}

/** The engine's own default for a camera's waiting frames. */
const defaultCapacity = 1;

/** An engine that confirms nothing for this long applies no queue policy: it is starting, stopped or out of reach. */
export const silentMs = 3_000;

/**
 * Applies a camera's queue policy to requests that the engine has not confirmed, once it has been silent for 3 s.
 * Otherwise all frames taken while an engine is stopped would be kept, and reach it together.
 * @param pending oldest first; `newest` drops the oldest ones of the same or lower priority, as the engine does
 * @returns how the new request ends, if it may not wait
 */
export function applyQueuePolicy(
  request: DescribeRequest,
  pending: Iterable<UnansweredRequest>,
): FinalEvent | undefined {
  const { id, camera = '', priority = 0, queue = {} } = request;
  const { policy = 'newest', capacity = defaultCapacity, group } = queue;
  const rivals = [...pending].filter(
    (other) =>
      other.unconfirmedMs !== undefined &&
      (other.request.camera ?? '') === camera &&
      other.request.queue?.group === group,
  );
  if (rivals.length < capacity || rivals.every(({ unconfirmedMs = 0 }) => unconfirmedMs < silentMs)) {
    return undefined;
  }
  const full = `the queue of camera "${camera}" is full (${capacity} waiting), and the engine does not respond`;
  if (policy === 'reject') {
    const hint = 'Send frames less often, or find out why the engine does not respond.';
    return { type: 'error', id, error: { code: 'engine-queue-full', message: full, hint } };
  }
  const excess = rivals.length - capacity + 1;
  const replaceable = rivals.filter((rival) => (rival.request.priority ?? 0) <= priority);
  if (policy === 'oldest' || replaceable.length < excess) {
    return { type: 'dropped', id, reason: 'queue-full', message: full };
  }
  replaceable.sort((a, b) => (a.request.priority ?? 0) - (b.request.priority ?? 0));
  for (const old of replaceable.slice(0, excess)) {
    old.drop('superseded', `a newer frame of camera "${camera}" took its place`);
  }
  return undefined;
}
