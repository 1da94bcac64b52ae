import type { NodeMessage } from 'node-red';
import type { EngineApi } from '../../client/engine-api';
import type { CaptionResult, DescribeFinal, EngineEvent } from '../../protocol/events';
import { defined } from '../../system/defined';
import { EngineStatusLine } from '../status/engine-status-line';
import type { NodeStatus, StatusWords } from '../status/node-status';
import { StatusThrottle } from '../status/status-throttle';
import type { CaptionOverrides } from './caption-dialog';
import type { CaptionPlan, HeldPicture, PlannedRequest } from './caption-plan';
import { CaptionTask, type CaptionTaskOptions, type TaskOutcome } from './caption-task';
import { describePictures } from './feature-handles';

/** Turns messages into plans. */
export interface Planner {
  camera(message: NodeMessage & CaptionOverrides): Promise<string>;
  prepare(
    message: NodeMessage & CaptionOverrides,
    camera: string,
    signal: AbortSignal,
  ): Promise<CaptionPlan | HeldPicture>;
}

/** Runs the tasks of one caption node and shows their state as the node's status. */
export class CaptionController {
  readonly #engine: EngineApi;
  readonly #throttle: StatusThrottle;
  readonly #status: EngineStatusLine;
  readonly #tasks = new Set<CaptionTask>();

  /** @param fault of the engine, known before its first picture: shown instead of the idle status */
  constructor(engine: EngineApi, words: StatusWords, show: (status: NodeStatus) => void, fault?: unknown) {
    const idle = fault === undefined ? words.idle() : words.refused(fault);
    this.#engine = engine;
    this.#throttle = new StatusThrottle(show);
    this.#status = new EngineStatusLine(engine, words, this.#throttle.show, {
      isBusy: () => this.#tasks.size > 0,
      idle,
    });
    this.#status.show(idle);
  }

  /** Never rejects. @param taskOptions may throw @returns the error for Catch nodes, if the task failed */
  async run(
    message: NodeMessage & CaptionOverrides,
    planner: Planner,
    taskOptions: () => Omit<CaptionTaskOptions, 'onFallback'>,
  ): Promise<{ readonly error?: unknown }> {
    let options: Omit<CaptionTaskOptions, 'onFallback'>;
    try {
      options = taskOptions();
    } catch (error) {
      this.#status.show(this.#status.words.failed(error));
      return { error };
    }
    const task = new CaptionTask(message, { ...options, onFallback: (end) => this.#ended(task, end) });
    this.#tasks.add(task);
    let end: TaskOutcome;
    try {
      end = await this.#answer(task, message, planner);
    } catch (error) {
      end = task.failed(error);
    }
    this.#ended(task, end);
    this.#tasks.delete(task);
    return end.kind === 'failed' ? { error: end.error } : {};
  }

  /** Cancels the running tasks; each message still ends exactly once. */
  close(): void {
    this.#status.close();
    this.#throttle.close();
    for (const task of this.#tasks) task.close();
  }

  async #answer(
    task: CaptionTask,
    message: NodeMessage & CaptionOverrides,
    planner: Planner,
  ): Promise<TaskOutcome> {
    task.camera = await planner.camera(message);
    const plan = await planner.prepare(message, task.camera, task.signal);
    if ('held' in plan) return task.dropped(plan.held, plan.reason);
    const results: CaptionResult[] = [];
    for (const planned of plan.requests) {
      const final = await this.#describe(planned, task);
      if (final.type === 'dropped') return task.dropped(final.reason, final.message, plan.prompt);
      if (final.type === 'error') return task.failed(final.error);
      results.push(final.result);
    }
    return task.answered(plan, results);
  }

  async #describe(
    { request, pictures, streamable }: PlannedRequest,
    task: CaptionTask,
  ): Promise<DescribeFinal> {
    const { signal, remainingMs, stream } = task;
    const timed = {
      ...request,
      ...defined({ deadlineMs: remainingMs, stream: (stream && streamable) || undefined }),
    };
    return await describePictures(this.#engine, timed, pictures, {
      signal,
      onEvent: (event) => this.#onEvent(event, task),
    });
  }

  #onEvent(event: EngineEvent, task: CaptionTask): void {
    if (event.type === 'token') task.piece(event.text);
    this.#status.onEvent(event, this.#tasks.size - 1);
  }

  /** While other tasks run, only an answer, a fallback or an error changes the status. */
  #ended(task: CaptionTask, end: TaskOutcome): void {
    const status = this.#status;
    const { words } = status;
    const others = this.#tasks.size - 1;
    switch (end.kind) {
      case 'answered': {
        const onCpu = end.results.some(({ fallback }) => fallback !== undefined);
        const answered = words.answered(task.elapsedMs, onCpu);
        status.show(others > 0 ? words.waiting(others) : answered);
        break;
      }
      case 'dropped':
        if (others === 0) status.show(words.dropped(end.reason));
        break;
      case 'fallback':
        status.show(words.fallback(end.reason));
        break;
      case 'failed':
        status.show(words.failed(end.error));
        break;
    }
  }
}
