import type { NodeMessage } from 'node-red';
import type { EngineApi } from '../../client/engine-api';
import { errorBody } from '../../errors';
import type { CaptionResult, DescribeFinal, EngineEvent } from '../../protocol/events';
import { EngineStatusLine } from '../engine-status-line';
import type { NodeStatus, StatusWords } from '../node-status';
import type { CaptionOverrides } from './caption-dialog';
import type { CaptionPlan, HeldPicture, PlannedRequest } from './caption-plan';
import { CaptionTask, type CaptionTaskOptions, type TaskOutcome } from './caption-task';
import { describeSeen } from './feature-handles';

/** Makes calls of messages. */
export interface Planner {
  camera(message: NodeMessage & CaptionOverrides): Promise<string>;
  prepare(
    message: NodeMessage & CaptionOverrides,
    camera: string,
    signal: AbortSignal,
  ): Promise<CaptionPlan | HeldPicture>;
}

/** The requests a caption node has under way, and what its status says of them. */
export class CaptionController {
  readonly #engine: EngineApi;
  readonly #status: EngineStatusLine;
  readonly #turns = new Set<CaptionTask>();

  constructor(engine: EngineApi, words: StatusWords, show: (status: NodeStatus) => void) {
    this.#engine = engine;
    this.#status = new EngineStatusLine(engine, words, show);
    show(words.idle());
  }

  /** Never rejects. @returns the error for Catch nodes, where that is how it ended */
  async run(
    message: NodeMessage & CaptionOverrides,
    source: Planner,
    options: Omit<CaptionTaskOptions, 'onFallback'>,
  ): Promise<{ readonly error?: unknown }> {
    const turn = new CaptionTask(message, { ...options, onFallback: (end) => this.#ended(turn, end) });
    this.#turns.add(turn);
    let end: TaskOutcome;
    try {
      end = await this.#answer(turn, message, source);
    } catch (error) {
      end = turn.failed(error);
    }
    this.#ended(turn, end);
    this.#turns.delete(turn);
    return end.kind === 'failed' ? { error: end.error } : {};
  }

  /** Ends what is under way; each message still ends once. */
  close(): void {
    this.#status.close();
    for (const turn of this.#turns) turn.close();
  }

  async #answer(
    turn: CaptionTask,
    message: NodeMessage & CaptionOverrides,
    source: Planner,
  ): Promise<TaskOutcome> {
    turn.camera = await source.camera(message);
    const call = await source.prepare(message, turn.camera, turn.signal);
    if ('held' in call) return turn.dropped(call.held, call.reason);
    const results: CaptionResult[] = [];
    for (const ask of call.asks) {
      const final = await this.#ask(ask, turn);
      if (final.type === 'dropped') return turn.dropped(final.reason, final.message, call.prompt);
      if (final.type === 'error') return turn.failed(final.error);
      results.push(final.result);
    }
    return turn.answered(call, results);
  }

  async #ask({ request, pictures, inWords }: PlannedRequest, turn: CaptionTask): Promise<DescribeFinal> {
    const { signal, remainingMs, stream } = turn;
    const timely = {
      ...request,
      ...(remainingMs !== undefined && { deadlineMs: remainingMs }),
      ...(stream && inWords && { stream }),
    };
    return await describeSeen(this.#engine, timely, pictures, {
      signal,
      onEvent: (event) => this.#onEvent(event, turn),
    });
  }

  #onEvent(event: EngineEvent, turn: CaptionTask): void {
    if (event.type === 'token') turn.piece(event.text);
    this.#status.onEvent(event, this.#turns.size - 1);
  }

  /** What is still under way is worth more than what has just ended, errors excepted. */
  #ended(turn: CaptionTask, end: TaskOutcome): void {
    const { show, words } = this.#status;
    const others = this.#turns.size - 1;
    switch (end.kind) {
      case 'answered': {
        const onCpu = end.results.some(({ fallback }) => fallback !== undefined);
        const answered = words.answered(turn.elapsedMs, onCpu);
        show(others > 0 ? words.waiting(others) : answered);
        break;
      }
      case 'dropped':
        if (others === 0) show(words.dropped(end.reason));
        break;
      case 'fallback':
        show(words.fallback(end.reason));
        break;
      case 'failed':
        show(words.failed(errorBody(end.error).code));
        break;
    }
  }
}
