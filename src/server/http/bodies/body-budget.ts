import type { FastifyInstance, FastifyRequest } from 'fastify';
import { SmolvlmError } from '../../../errors';
import { limits } from '../../../protocol/limits';
import { onReplyClosed } from '../event-response';

/** A camera's frame is smaller: a caller with large bodies leaves room for it. */
const smallBytes = 4 * 1024 * 1024;
const smallReserveBytes = 32 * 1024 * 1024;

/** A body is in memory about four times while it is read: its bytes, their text, the parsed request and its pictures. */
const copies = 4;

/** For a process that may use so much memory: half of it for bodies, at least one of the largest, at most 512 MiB. */
export function bodyBudgetBytes(memoryLimitBytes: number): number {
  return Math.min(512 * 1024 * 1024, Math.max(limits.bodyBytes, memoryLimitBytes / 2 / copies));
}

/** The memory of all bodies that are being received or answered, of all clients together. */
export class BodyBudget {
  readonly #limitBytes: number;
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** @returns a function that gives it back @throws SmolvlmError `engine-bodies` */
  take(sizeBytes: number): () => void {
    const limitBytes = this.#limitBytes + (sizeBytes <= smallBytes ? smallReserveBytes : 0);
    if (this.#usedBytes + sizeBytes > limitBytes) {
      throw new SmolvlmError(
        'engine-bodies',
        `the requests that are being answered have ${this.#usedBytes} bytes; the engine has no room for ${sizeBytes} more`,
        { hint: 'Send the request again in a few seconds, or smaller pictures.' },
      );
    }
    this.#usedBytes += sizeBytes;
    return () => {
      this.#usedBytes -= sizeBytes;
    };
  }
}

/** Refuses a body that the budget has no room for before it is read. */
export function registerBodyBudget(app: FastifyInstance, budget: BodyBudget): void {
  app.addHook('onRequest', async (request, reply) => {
    const sizeBytes = announcedBytes(request);
    // Larger ones are refused by their size.
    if (sizeBytes === 0 || sizeBytes > limits.bodyBytes) return;
    onReplyClosed(reply, budget.take(sizeBytes));
  });
}

/** The size that the request states; the largest for one that does not. */
function announcedBytes({ headers }: FastifyRequest): number {
  if (headers['transfer-encoding'] !== undefined) return limits.bodyBytes;
  const length = Number(headers['content-length'] ?? 0);
  return Number.isFinite(length) ? length : 0;
}
