import type { JsMsg } from '@nats-io/jetstream';
import type { EngineApi } from '../../client/engine-api';
import { errorBody } from '../../errors';
import type { DescribeRequest } from '../../protocol/describe-request';
import type { EngineEvent, FinalEvent } from '../../protocol/events';
import { defined } from '../../system/defined';
import { publishCameraAnswer } from '../camera-answers';
import { type FrameMessage, isUrgent } from '../frame-message';
import type { NatsLink } from '../nats-connection';

/** Frames of the queue are distinguished from those of other clients, and never replaced in the engine's own queue. */
const ownGroup = 'nats';
const engineCapacity = 1000;

/** Errors of an engine that could not begin; another hub may. */
const returnedErrors: ReadonlySet<string> = new Set([
  'engine-busy',
  'engine-queue-full',
  'engine-stopping',
  'engine-unreachable',
]);

/** Who reads the answer of a frame that came without a requester. */
export interface CameraReaders {
  readonly camera: string;
  /** The sender's own id for the frame. */
  readonly ownId?: string;
}

/** One frame that this hub has taken. */
export class HubFrame {
  readonly #frame: FrameMessage;
  readonly #link: NatsLink;
  readonly #abort = new AbortController();
  /** Its latest delivery; absent for a request that was sent to this hub alone. */
  message: JsMsg | undefined;
  /** Whether it was given back to the queue: it is not answered here. */
  isReturned = false;

  /** Where the answer goes besides: the readers of a camera. */
  readonly #readers: CameraReaders | undefined;

  constructor(link: NatsLink, frame: FrameMessage, message?: JsMsg, readers?: CameraReaders) {
    this.#link = link;
    this.#frame = frame;
    this.message = message;
    this.#readers = readers;
  }

  /** Tells the readers of the camera, if it came without a requester. */
  tell(final: FinalEvent): void {
    if (this.#readers && final.type !== 'features') {
      publishCameraAnswer(this.#link, this.#readers.camera, final, this.#readers.ownId);
    }
  }

  get id(): string {
    return this.#frame.request.id;
  }

  get urgent(): boolean {
    return isUrgent(this.#frame.request);
  }

  get redelivered(): boolean {
    return this.message?.redelivered === true;
  }

  /** Ends it as `dropped` with reason `cancelled`. */
  cancel(): void {
    this.#abort.abort();
  }

  /** Tells the server and the requester that a hub works on it. */
  working(): void {
    this.message?.working();
    this.#send({ type: 'working', id: this.id });
  }

  /** Tells the requester that it waits again. */
  returned(): void {
    this.#send({ type: 'returned', id: this.id });
  }

  /** @param model as this hub's engine names it @returns the final event; undefined when another hub is to take it */
  async describe(engine: EngineApi, model: string | undefined): Promise<FinalEvent | undefined> {
    const { request, pictures } = this.#frame;
    this.#send({ type: 'taken', id: this.id });
    const { task, maxAgeMs: _waitedBefore, ...rest } = withModel(request, model);
    const options = {
      signal: this.#abort.signal,
      onEvent: (event: EngineEvent) => {
        if (event.type !== 'queued') this.#send(event);
      },
    };
    const group = [ownGroup, request.queue?.group].filter((part) => part !== undefined).join(' ');
    const input = { ...rest, queue: { policy: 'newest', capacity: engineCapacity, group } as const };
    const final =
      task === 'features'
        ? await engine.encode(input, pictures, options)
        : await engine.describe(input, pictures, options);
    if (final.type === 'error' && returnedErrors.has(final.error.code)) return undefined;
    const wasDropped =
      final.type === 'dropped' && final.reason !== 'deadline' && final.reason !== 'cancelled';
    return wasDropped ? undefined : final;
  }

  fail(error: unknown): FinalEvent {
    return { type: 'error', id: this.id, error: errorBody(error) };
  }

  #send(event: EngineEvent | { readonly type: 'taken' | 'working' | 'returned'; readonly id: string }): void {
    const { connection, subjects } = this.#link;
    if (!connection.isClosed()) connection.publish(subjects.events(this.id), JSON.stringify(event));
  }
}

/** Requesters name models by the hub's names only: no path of theirs reaches the hub's disk. */
function withModel(request: DescribeRequest, model: string | undefined): DescribeRequest {
  const { model: _name, runtime, ...rest } = request;
  if (!runtime) return { ...rest, ...defined({ model }) };
  const { checkpoint: _path, ...harmless } = runtime;
  return { ...rest, ...defined({ model }), runtime: harmless };
}
