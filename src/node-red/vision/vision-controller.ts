import type { NodeMessage } from 'node-red';
import type { EngineApi } from '../../client/engine-api';
import type { EngineEvent, FeaturesFinal } from '../../protocol/events';
import { droppedSight, visionProperty } from '../../protocol/vision-property';
import { EngineStatusLine } from '../engine-status-line';
import type { NodeStatus, StatusWords } from '../node-status';
import type { VisionPlan } from './vision-planner';

/** What a message became: it leaves by the first output, by the second, or not at all. */
export type VisionOutcome =
  | { readonly output: 'seen' | 'dropped'; readonly message: NodeMessage }
  | { readonly output: 'error'; readonly error: unknown };

/** The frames a vision node has under way, and what its status says of them. */
export class VisionController {
  readonly #engine: EngineApi;
  readonly #status: EngineStatusLine;
  readonly #closing = new AbortController();
  #underWay = 0;

  constructor(engine: EngineApi, words: StatusWords, show: (status: NodeStatus) => void) {
    this.#engine = engine;
    this.#status = new EngineStatusLine(engine, words, show);
    show(words.idle());
  }

  /** Never rejects; `prepare` turns the message into a request. */
  async run(
    message: NodeMessage,
    prepare: (signal: AbortSignal) => Promise<VisionPlan>,
  ): Promise<VisionOutcome> {
    const started = performance.now();
    const { signal } = this.#closing;
    this.#underWay += 1;
    try {
      const call = await prepare(signal);
      const onEvent = (event: EngineEvent): void => this.#status.onEvent(event, this.#underWay - 1, 'seeing');
      const final = await this.#engine.encode(call.request, call.pictures, { signal, onEvent });
      return this.#outcome(message, call, final, performance.now() - started);
    } catch (error) {
      return { output: 'error', error };
    } finally {
      this.#underWay -= 1;
    }
  }

  /** Ends what is under way; each message still ends once. */
  close(): void {
    this.#status.close();
    this.#closing.abort();
  }

  #outcome(
    message: NodeMessage,
    { request }: VisionPlan,
    final: FeaturesFinal,
    elapsedMs: number,
  ): VisionOutcome {
    const { show, words } = this.#status;
    const others = this.#underWay - 1;
    switch (final.type) {
      case 'features': {
        const { handles, vision, fallback } = final.features;
        const done =
          vision?.coreBusy && !fallback
            ? words.seen(elapsedMs, vision.coreBusy)
            : words.answered(elapsedMs, fallback !== undefined);
        show(others > 0 ? words.waiting(others) : done);
        const [only, ...more] = handles;
        const features = more.length === 0 ? only : handles;
        return {
          output: 'seen',
          message: Object.assign(message, { features, vision: visionProperty(final.features) }),
        };
      }
      case 'dropped':
        if (others === 0) show(words.dropped(final.reason));
        return {
          output: 'dropped',
          message: Object.assign(message, { vision: droppedSight(final, request.camera) }),
        };
      case 'error':
        return { output: 'error', error: final.error };
    }
  }
}
