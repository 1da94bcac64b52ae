import type { NodeMessage } from 'node-red';
import type { EngineApi } from '../../client/engine-api';
import type { EngineEvent, FeaturesFinal } from '../../protocol/events';
import { droppedVision, visionProperty } from '../../protocol/vision-property';
import { EngineStatusLine } from '../status/engine-status-line';
import type { NodeStatus, StatusWords } from '../status/node-status';
import { StatusThrottle } from '../status/status-throttle';
import type { VisionPlan } from './vision-planner';

/** How a message ended: it leaves through the first output, the second, or not at all. */
export type VisionOutcome =
  | { readonly output: 'encoded' | 'dropped'; readonly message: NodeMessage }
  | { readonly output: 'error'; readonly error: unknown };

/** Runs the requests of one vision node and shows their state as the node's status. */
export class VisionController {
  readonly #engine: EngineApi;
  readonly #throttle: StatusThrottle;
  readonly #status: EngineStatusLine;
  readonly #closing = new AbortController();
  #running = 0;

  /** @param fault of the engine, known before its first picture: shown instead of the idle status */
  constructor(engine: EngineApi, words: StatusWords, show: (status: NodeStatus) => void, fault?: unknown) {
    const idle = fault === undefined ? words.idle() : words.refused(fault);
    this.#engine = engine;
    this.#throttle = new StatusThrottle(show);
    this.#status = new EngineStatusLine(engine, words, this.#throttle.show, {
      isBusy: () => this.#running > 0,
      idle,
    });
    this.#status.show(idle);
  }

  /** Never rejects. @param prepare turns the message into a plan */
  async run(
    message: NodeMessage,
    prepare: (signal: AbortSignal) => Promise<VisionPlan>,
  ): Promise<VisionOutcome> {
    const started = performance.now();
    const { signal } = this.#closing;
    this.#running += 1;
    try {
      const plan = await prepare(signal);
      const onEvent = (event: EngineEvent): void =>
        this.#status.onEvent(event, this.#running - 1, 'encoding');
      const final = await this.#engine.encode(plan.request, plan.pictures, { signal, onEvent });
      return this.#outcome(message, plan, final, performance.now() - started);
    } catch (error) {
      return this.#failed(error);
    } finally {
      this.#running -= 1;
    }
  }

  /** Cancels the running requests; each message still ends exactly once. */
  close(): void {
    this.#status.close();
    this.#throttle.close();
    this.#closing.abort();
  }

  #failed(error: unknown): VisionOutcome {
    this.#status.show(this.#status.words.failed(error));
    return { output: 'error', error };
  }

  #outcome(
    message: NodeMessage,
    { request }: VisionPlan,
    final: FeaturesFinal,
    elapsedMs: number,
  ): VisionOutcome {
    const status = this.#status;
    const { words } = status;
    const others = this.#running - 1;
    switch (final.type) {
      case 'features': {
        const { handles, vision, fallback } = final.features;
        const done =
          vision?.coreBusy && !fallback
            ? words.encoded(elapsedMs, vision.coreBusy)
            : words.answered(elapsedMs, fallback !== undefined);
        status.show(others > 0 ? words.waiting(others) : done);
        const [only, ...more] = handles;
        const features = more.length === 0 ? only : handles;
        return {
          output: 'encoded',
          message: Object.assign(message, { features, vision: visionProperty(final.features) }),
        };
      }
      case 'dropped':
        if (others === 0) status.show(words.dropped(final.reason));
        return {
          output: 'dropped',
          message: Object.assign(message, { vision: droppedVision(final, request.camera) }),
        };
      case 'error':
        return this.#failed(final.error);
    }
  }
}
