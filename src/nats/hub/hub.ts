import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { JsMsg } from '@nats-io/jetstream';
import type { Msg } from '@nats-io/transport-node';
import type { EngineApi } from '../../client/engine-api';
import { errorBody, SmolvlmError } from '../../errors';
import type { FinalEvent } from '../../protocol/events';
import { defined } from '../../system/defined';
import { type DirectAnswer, decodeFrame } from '../frame-message';
import { anyModel, type FrameKind } from '../frame-subjects';
import type { HubStatus } from '../hub-status';
import { countReturn, keptAnswer, publishAnswer, returnsOf } from '../kept-answers';
import { exceedsMessage } from '../large-pictures';
import { closeNats, type NatsLink } from '../nats-connection';
import { listen } from '../nats-permission';
import { queueStatus } from '../queue-status';
import { AnswerRate } from './answer-rate';
import { Cancellations } from './cancellations';
import { FrameReader } from './frame-reader';
import { HubFrame } from './hub-frame';
import { hubMetrics } from './hub-metrics';
import { answerTooLarge, keeperStops, replyTo } from './hub-reply';
import { openQueueSource, type QueueSource } from './queue-source';
import { ReturnedFrames } from './returned-frames';

export interface HubOptions {
  readonly link: NatsLink;
  /** The engine of this hub. */
  readonly engine: EngineApi;
  /** Models whose frames it takes: the name in a request, and the model it stands for. `undefined` is the default. */
  readonly models: ReadonlyMap<string | undefined, string | undefined>;
  readonly log: (line: string) => void;
  /** A hub that reports nothing for this long has lost its frame to the next hub. */
  readonly ackWaitMs?: number;
  /** Time for frames in progress when the hub is closed. */
  readonly drainMs?: number;
  /** How often it looks for streams that were deleted, and for answered frames that came back. */
  readonly checkMs?: number;
}

/** A frame is given up when this many hubs have ended while they worked on it. */
const tries = 2;
/** The shortest that NATS' client allows; a hub that is closed waits for it. */
const pullMs = 1_000;
const returnDelayMs = 1_000;
const retryMs = 500;
/** For requests about features. No other hub has them: the requester sends the picture again when it receives nothing. */
const directAckWaitMs = 6_000;

/** Takes frames from the shared queue when its engine has room, and publishes the answers. */
export class Hub {
  readonly #options: HubOptions;
  readonly #reader: FrameReader;
  /** By id of the request. */
  readonly #frames = new Map<string, HubFrame>();
  readonly #cancellations = new Cancellations(this.#frames);
  readonly #work = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  readonly #rate = new AnswerRate();
  readonly #returned = new ReturnedFrames();
  readonly #counts = { answered: 0, redelivered: 0, returned: 0 };
  #loops: readonly Promise<void>[] = [];
  #room = 1;
  #wake: (() => void)[] = [];

  constructor(options: HubOptions) {
    this.#options = options;
    this.#reader = new FrameReader(options.link, options.log);
  }

  /** @throws SmolvlmError `nats-stream`, `nats-permission`, and what the engine's status throws */
  async start(): Promise<void> {
    const { models, engine } = this.#options;
    const kinds = [...models.keys()].flatMap((model) => [true, false].map((urgent) => ({ model, urgent })));
    const sources = new Map<FrameKind, QueueSource>();
    for (const kind of kinds) sources.set(kind, await this.#source(kind));
    const { instance } = await engine.status();
    await this.#listen(instance);
    this.#loops = [...sources].map(([kind, source]) => this.#pull(kind, source));
  }

  /** @param instance of its engine @throws SmolvlmError `nats-permission` */
  async #listen(instance: string): Promise<void> {
    const { link, engine } = this.#options;
    const { connection, subjects } = link;
    const refused: SmolvlmError[] = [];
    const on = (subject: string, onMessage: (message: Msg) => void, queue?: string): void => {
      const onRefused = (error: SmolvlmError): void => void refused.push(error);
      listen(connection, subject, { onMessage, onRefused, ...defined({ queue }) });
    };
    on(subjects.allCancels, (message) => this.#cancellations.cancel(message.string()));
    on(subjects.hubsStatus, (message) => void replyTo(link, message, () => this.#status()));
    const doctor = async (message: Msg): Promise<unknown> => engine.doctor(message.string() || undefined);
    on(subjects.hubsDoctor, (message) => void replyTo(link, message, () => doctor(message)), 'doctor');
    on(subjects.hub(instance), (message) => this.#onDirect(message));
    await connection.flush();
    if (refused[0]) throw refused[0];
  }

  /** Takes no more frames, answers those in progress, and returns the rest to the queue. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#wakeAll();
    const drained = new AbortController();
    await Promise.race([
      Promise.all(this.#loops).then(() => Promise.all(this.#work)),
      delay(this.#options.drainMs ?? 10_000, undefined, { signal: drained.signal }).catch(() => {}),
    ]);
    drained.abort();
    const left = [...this.#frames.values()];
    await Promise.all(left.map((frame) => this.#return(frame)));
    for (const frame of left) frame.cancel();
    await closeNats(this.#options.link);
  }

  #source(kind: FrameKind): Promise<QueueSource> {
    const { link, ackWaitMs = 30_000 } = this.#options;
    return openQueueSource(link, kind, { ackWaitMs });
  }

  /** Takes frames of one kind while there is room. */
  async #pull(kind: FrameKind, first: QueueSource): Promise<void> {
    const { signal } = this.#closing;
    const { checkMs = 60_000 } = this.#options;
    let lastLine = '';
    let source: QueueSource | undefined = first;
    let checkedAt = performance.now();
    while (!signal.aborted) {
      try {
        if (!this.#hasRoom(kind)) {
          await new Promise<void>((resolve) => this.#wake.push(resolve));
          continue;
        }
        if (source === undefined || performance.now() - checkedAt > checkMs) {
          source = await this.#source(kind);
          checkedAt = performance.now();
        }
        const message = await source.consumer.next({ expires: pullMs });
        lastLine = '';
        if (message) await this.#take(kind, message, source.ackWaitMs);
      } catch (error) {
        source = undefined;
        const line = `frames cannot be taken from the queue: ${errorBody(error).message}`;
        if (line !== lastLine && !signal.aborted) this.#options.log(line);
        lastLine = line;
        await delay(retryMs, undefined, { signal }).catch(() => {});
      }
    }
  }

  /** Urgent frames have room beside the others: the engine stops those for them. */
  #hasRoom({ urgent }: FrameKind): boolean {
    const frames = [...this.#frames.values()];
    return (urgent ? frames.filter((frame) => frame.urgent) : frames).length < this.#room;
  }

  async #take({ model }: FrameKind, message: JsMsg, ackWaitMs: number): Promise<void> {
    const { models } = this.#options;
    let frame: HubFrame;
    try {
      frame = await this.#reader.read(message);
    } catch (error) {
      await this.#reader.refuse(message, error);
      return;
    }
    const known = this.#frames.get(frame.id);
    if (known && !known.isReturned) {
      known.message = message;
      known.working();
      return;
    }
    this.#run(frame, () => this.#settle(frame, models.get(model), ackWaitMs));
  }

  /** A request for this hub alone, which names features that it keeps. */
  #onDirect(message: Msg): void {
    const { link, ackWaitMs = directAckWaitMs } = this.#options;
    try {
      const content = decodeFrame(message.data);
      if (this.#closing.signal.aborted) throw keeperStops();
      const frame = new HubFrame(link, content);
      message.respond(JSON.stringify({ ackWaitMs } satisfies DirectAnswer));
      if (this.#frames.has(frame.id)) return;
      const { model } = content.request;
      this.#run(frame, () => this.#settle(frame, this.#options.models.get(model), ackWaitMs));
    } catch (error) {
      message.respond(JSON.stringify(errorBody(error)));
    }
  }

  #run(frame: HubFrame, settle: () => Promise<void>): void {
    this.#frames.set(frame.id, frame);
    this.#cancellations.taken(frame);
    const work = settle()
      .catch((error: unknown) => this.#options.log(errorBody(error).message))
      .finally(() => {
        if (this.#frames.get(frame.id) === frame) this.#frames.delete(frame.id);
        this.#work.delete(work);
        this.#wakeAll();
      });
    this.#work.add(work);
  }

  async #settle(frame: HubFrame, model: string | undefined, ackWaitMs: number): Promise<void> {
    const { engine } = this.#options;
    const working = setInterval(() => frame.working(), ackWaitMs / 3);
    try {
      const wasReturned = this.#returned.take(frame.id);
      if ((frame.redelivered || wasReturned) && (await this.#isOver(frame))) return;
      const final = await engineFinal(frame, engine, model);
      if (frame.isReturned) return;
      // The next frame does not wait for it.
      void this.#measureRoom();
      await (final ? this.#answer(frame, final) : this.#return(frame));
    } finally {
      clearInterval(working);
    }
  }

  /** Whether a frame that another hub has taken before needs no more work: it is answered, or it is given up. */
  async #isOver(frame: HubFrame): Promise<boolean> {
    const { link } = this.#options;
    this.#counts.redelivered += 1;
    if (await keptAnswer(link, frame.id)) {
      frame.message?.ack();
      return true;
    }
    const lost = (frame.message?.info.deliveryCount ?? 1) - 1 - (await returnsOf(link, frame.id));
    if (lost < tries) return false;
    const error = new SmolvlmError('nats-hubs-lost', `${lost} hubs ended while they worked on this frame`, {
      hint: "See the hubs' logs; this picture or model may be the cause.",
    });
    await this.#answer(frame, frame.fail(error));
    return true;
  }

  async #answer(frame: HubFrame, final: FinalEvent): Promise<void> {
    const { link } = this.#options;
    const sizeBytes = Buffer.byteLength(JSON.stringify(final));
    const answer = exceedsMessage(link, sizeBytes) ? frame.fail(answerTooLarge(sizeBytes)) : final;
    if (await publishAnswer(link, answer)) {
      frame.tell(answer);
      this.#counts.answered += 1;
      this.#rate.add();
    }
    frame.message?.ack();
  }

  async #return(frame: HubFrame): Promise<void> {
    const { link } = this.#options;
    frame.isReturned = true;
    if (!frame.message) {
      await publishAnswer(link, frame.fail(keeperStops())).catch(() => {});
      return;
    }
    this.#counts.returned += 1;
    this.#returned.add(frame.id);
    await countReturn(link, frame.id).catch(() => {});
    frame.message.nak(returnDelayMs);
    frame.returned();
  }

  async #measureRoom(): Promise<void> {
    const status = await this.#options.engine.status().catch(() => undefined);
    if (!status) return;
    this.#room = Math.max(1, ...status.models.map(({ framesInFlight }) => framesInFlight));
    this.#wakeAll();
  }

  async #status(): Promise<HubStatus> {
    const { engine, models } = this.#options;
    return {
      hub: hostname(),
      engine: await engine.status(),
      takes: [...models.keys()].map((name) => name ?? anyModel),
      working: this.#frames.size,
      lastMinute: this.#rate.lastMinute(),
      ...this.#counts,
    };
  }

  /** In Prometheus' text format. */
  async metrics(): Promise<string> {
    const queue = await queueStatus(this.#options.link).catch(() => undefined);
    return hubMetrics(this.#frames.size, this.#counts, queue);
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

function engineFinal(
  frame: HubFrame,
  engine: EngineApi,
  model: string | undefined,
): Promise<FinalEvent | undefined> {
  return frame.describe(engine, model).catch((error: unknown) => frame.fail(error));
}
