import { setTimeout as delay } from 'node:timers/promises';
import type { Msg } from '@nats-io/transport-node';
import type { OpenRequest } from '../../client/open-requests';
import { RepeatedTokens } from '../../client/repeated-tokens';
import { errorBody, SmolvlmError } from '../../errors';
import type { DescribeRequest } from '../../protocol/describe-request';
import type { DropReason, EngineEvent, FinalEvent } from '../../protocol/events';
import { featuresGone } from '../../protocol/features';
import { longestTimerMs } from '../../protocol/limits';
import { isEngineEvent } from '../../protocol/ndjson';
import { isOtherStream, isPlaceTaken, isRemoved } from '../frame-streams';
import { keptAnswer, parseFinal } from '../kept-answers';
import type { NatsLink } from '../nats-connection';
import { listen } from '../nats-permission';

/** How long a hub that has just taken a frame may need to say so. */
const takenGraceMs = 500;
/** How often a kept answer is looked up, in case the answer itself was missed, and whether the queue still has the request. */
const defaultLookUpMs = 15_000;
/** How long a request that was dropped on its way to the server is waited for, to take it out of the queue. */
const storedMs = 2_000;
/** How much longer than the server a client waits for a sign of work. */
const silenceGraceMs = 2_000;

/** One request of a client, from its publication to its end: the answer comes from whichever hub takes it. */
export class NatsRequest implements OpenRequest {
  readonly request: DescribeRequest;
  readonly pictures: readonly Uint8Array[];
  readonly sizeBytes: number;
  readonly final: Promise<FinalEvent>;
  /** Settles when a dropped request has been taken out of the queue. */
  cancelled: Promise<void> = Promise.resolve();
  /** Where it waits. */
  place: { readonly subject: string; readonly sequence: number } | undefined;
  /** Settles when it has been stored, or will not be. */
  sent: Promise<void> = Promise.resolve();
  /** How often it was sent again because the queue had lost it. */
  timesLost = 0;
  readonly #onEvent: (event: EngineEvent) => void;
  readonly #startedAt = performance.now();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #ended = new AbortController();
  readonly #endings: (() => void)[] = [];
  /** Events that came before the server confirmed the request. */
  readonly #early: EngineEvent[] = [];
  #resolve: (final: FinalEvent) => void = () => {};
  /** Whether a newer frame for the same place has been requested before this one was stored. */
  isOvertaken = false;
  #link: NatsLink | undefined;
  #isConfirmed = false;
  #isTaken = false;
  #isReplaced = false;
  #isAlone = false;
  #ackWaitMs = 30_000;
  #silence: NodeJS.Timeout | undefined;
  readonly #tokens = new RepeatedTokens();
  /** Of a request that was dropped before it was stored. */
  #withdrawn: Promise<void> | undefined;

  constructor(
    request: DescribeRequest,
    pictures: readonly Uint8Array[],
    onEvent: (event: EngineEvent) => void,
  ) {
    this.request = request;
    this.pictures = pictures;
    this.sizeBytes = pictures.reduce((sum, picture) => sum + picture.byteLength, 0);
    this.#onEvent = onEvent;
    this.final = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  get unconfirmedMs(): number | undefined {
    return this.#isConfirmed ? undefined : performance.now() - this.#startedAt;
  }

  /** Starts the clocks of its deadline and its maximum age. @param deadlineMs for a request that has none */
  begin(deadlineMs: number): void {
    const { maxAgeMs } = this.request;
    const limitMs = this.request.deadlineMs ?? deadlineMs;
    this.#after(limitMs, () => this.drop('deadline', `no answer within ${limitMs} ms`));
    if (maxAgeMs === undefined) return;
    this.#after(maxAgeMs, () => {
      if (!this.#isTaken) this.drop('expired', `waited longer than ${maxAgeMs} ms`);
    });
  }

  /**
   * Listens for events and for the answer.
   * @param onLost called when the queue has lost the request before a hub took it
   */
  listen(link: NatsLink, onLost: () => void, lookUpMs = defaultLookUpMs): void {
    this.#link = link;
    const { connection, subjects } = link;
    const { id } = this.request;
    const onRefused = (error: unknown): void => this.fail(error);
    this.#endings.push(
      listen(connection, subjects.answer(id), { onMessage: (message) => this.#onAnswer(message), onRefused }),
      listen(connection, subjects.events(id), { onMessage: (message) => this.#onLine(message), onRefused }),
    );
    const look = async (): Promise<void> => {
      if (await this.#isPurged(link)) onLost();
    };
    this.#timers.push(setInterval(() => void look(), lookUpMs));
  }

  /** Ends with the kept answer, if there is one. @returns whether somebody has purged the queue in which it waited */
  async #isPurged(link: NatsLink): Promise<boolean> {
    const { place } = this;
    const waitsThere = (): boolean => this.isWaiting && this.place === place && !this.#isReplaced;
    const isGone = place && waitsThere() && (await isRemoved(link, place.sequence).catch(() => false));
    await this.lookUp();
    if (!isGone) return false;
    // A newer frame may have taken its place just now: its requester says so, and it waits there itself.
    await delay(takenGraceMs);
    const isTaken = await isPlaceTaken(link, place.subject).catch(() => undefined);
    // What the server cannot say now is looked up again; what holds the place may be this request, sent again meanwhile.
    if (isTaken === undefined || !waitsThere()) return false;
    if (isTaken) this.replaced();
    return !isTaken;
  }

  /** Ends with the kept answer, if there is one. */
  async lookUp(): Promise<void> {
    const kept = this.#link && (await keptAnswer(this.#link, this.request.id).catch(() => undefined));
    if (kept) this.end(kept);
  }

  /**
   * After an interruption: looks up the kept answer, and whether a newer frame took its place meanwhile.
   * @returns whether the queue has lost it
   */
  async recover(): Promise<boolean> {
    const link = this.#link;
    const { place } = this;
    if (!link || !place) return false;
    const isGone = await isRemoved(link, place.sequence).catch(() => false);
    const isLost = isGone && (await isOtherStream(link, place.sequence).catch(() => undefined));
    await this.lookUp();
    // The server could not say, or the request was sent again meanwhile, to another place.
    if (!isGone || isLost === undefined || this.place !== place) return false;
    if (!isLost) this.replaced();
    return isLost && this.isWaiting;
  }

  /** Whether it is in the queue, and no hub has taken it. */
  get isWaiting(): boolean {
    return this.place !== undefined && !this.#isTaken && !this.#ended.signal.aborted;
  }

  /** Told where the server has stored it. */
  placed(place: NonNullable<NatsRequest['place']>): void {
    this.place = place;
    if (this.#ended.signal.aborted) this.#withdrawn = this.#withdraw();
  }

  /**
   * Told when the server, or the hub, has the request.
   * @param ackWaitMs a hub that reports nothing for this long has lost the frame
   */
  confirm(waiting: number, ackWaitMs?: number): void {
    this.#ackWaitMs = ackWaitMs ?? this.#ackWaitMs;
    this.#isConfirmed = true;
    this.#callBack({ type: 'queued', id: this.request.id, waiting });
    for (const event of this.#early.splice(0)) this.#passOn(event);
  }

  /** Told when the only hub that can answer has it: the one that keeps its features. @param ackWaitMs as of `confirm` */
  confirmAlone(ackWaitMs: number): void {
    this.#isAlone = true;
    this.#isTaken = true;
    this.confirm(1, ackWaitMs);
    this.#expectWork();
  }

  /** A newer frame took its place in the queue. One that a hub has taken is still answered, unless that hub is lost. */
  replaced(): void {
    if (this.#isReplaced || this.#ended.signal.aborted) return;
    this.#isReplaced = true;
    this.#expectWork();
  }

  /** The server has no copy for another hub: it ends when its own hub reports nothing more. */
  #expectWork(): void {
    clearTimeout(this.#silence);
    if (!(this.#isReplaced || this.#isAlone) || this.#ended.signal.aborted) return;
    const patienceMs = this.#isTaken ? this.#ackWaitMs + silenceGraceMs : takenGraceMs;
    this.#silence = setTimeout(() => void this.#endSilent(), patienceMs);
  }

  supersede(why = ''): void {
    this.drop('superseded', `a newer frame of camera "${this.request.camera ?? ''}" took its place${why}`);
  }

  async #endSilent(): Promise<void> {
    if (this.#isTaken) await this.lookUp();
    if (this.#isAlone) {
      this.fail(new SmolvlmError(featuresGone, 'the hub that keeps these features is lost'));
      return;
    }
    this.supersede(this.#isTaken ? ', and its hub is lost' : '');
  }

  drop(reason: DropReason, message: string): void {
    const { id } = this.request;
    if (this.end({ type: 'dropped', id, reason, message })) this.cancelled = this.#cancel();
  }

  fail(error: unknown): void {
    this.end({ type: 'error', id: this.request.id, error: errorBody(error) });
  }

  end(final: FinalEvent): boolean {
    if (this.#ended.signal.aborted) return false;
    this.#ended.abort();
    for (const timer of this.#timers) clearTimeout(timer);
    clearTimeout(this.#silence);
    for (const end of this.#endings) end();
    this.#resolve(final);
    return true;
  }

  #after(ms: number, callback: () => void): void {
    if (this.#ended.signal.aborted) return;
    this.#timers.push(setTimeout(callback, Math.min(ms, longestTimerMs)));
  }

  #onAnswer(message: Msg): void {
    try {
      const final = parseFinal(message.string());
      if (final) this.end(final);
    } catch (cause) {
      this.fail(new SmolvlmError('nats-message', 'an answer of a hub cannot be parsed', { cause }));
    }
  }

  #onLine(message: Msg): void {
    const line = parseLine(message.string());
    if (!line) return;
    this.#isTaken = line.type !== 'returned';
    this.#expectWork();
    if (line.type === 'taken') this.#tokens.restart();
    else if (isEngineEvent(line) && this.#isConfirmed) this.#passOn(line);
    else if (isEngineEvent(line)) this.#early.push(line);
  }

  #passOn(event: EngineEvent): void {
    const fresh = this.#tokens.next(event);
    if (fresh) this.#callBack(fresh);
  }

  #callBack(event: EngineEvent): void {
    if (this.#ended.signal.aborted) return;
    try {
      this.#onEvent(event);
    } catch (error) {
      this.fail(error);
      this.cancelled = this.#cancel();
    }
  }

  /** Withdraws it, and again once it has been stored if it was on its way. */
  async #cancel(): Promise<void> {
    const isOnItsWay = this.#link !== undefined && !this.place;
    await this.#withdraw();
    if (!isOnItsWay) return;
    await Promise.race([this.sent, delay(storedMs, undefined, { ref: false })]);
    await this.#withdrawn;
  }

  /** Cancels it at the hub that has it, and takes it out of the queue. */
  async #withdraw(): Promise<void> {
    if (!this.#link || this.#link.connection.isClosed()) return;
    const { connection, subjects, manager } = this.#link;
    const { id } = this.request;
    connection.publish(subjects.cancel(id), id);
    if (!this.place) return;
    await manager.streams.deleteMessage(subjects.frameStream, this.place.sequence, false).catch(() => {});
  }
}

/** @returns undefined if another program published something else on the subject */
function parseLine(text: string): { readonly type?: unknown } | undefined {
  try {
    const line: unknown = JSON.parse(text);
    return typeof line === 'object' && line !== null ? line : undefined;
  } catch {
    return undefined;
  }
}
