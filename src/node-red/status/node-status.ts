import type { EngineEvent, Preparation } from '../../protocol/events';
import { minutesText } from '../../system/minutes-text';
import type { Phrase, Phrases } from './phrase';
import type { TroubleWords } from './trouble-words';

/** What Node-RED shows below a node: `showStatus` makes a text of the phrases. */
export interface NodeStatus {
  readonly fill: 'grey' | 'yellow' | 'green' | 'blue' | 'red';
  readonly shape: 'ring' | 'dot';
  readonly phrases: readonly Phrase[];
}

/**
 * Statuses in the style of Node-RED's own nodes: a ring while there is no connection or no model is loaded, otherwise
 * a dot; yellow while starting, blue while working, green when ready, red after a failure.
 */
export class StatusWords {
  readonly #phrase: Phrases;
  /** An error, or the code of one, in a few words. */
  readonly trouble: TroubleWords;

  /** @param phrase names a text of a catalog with `status.…` keys */
  constructor(phrase: Phrases, trouble: TroubleWords) {
    this.#phrase = phrase;
    this.trouble = trouble;
  }

  idle(): NodeStatus {
    return this.#status('grey', 'ring', 'idle');
  }

  connecting(): NodeStatus {
    return this.#status('yellow', 'ring', 'connecting');
  }

  lost(): NodeStatus {
    return this.#status('red', 'ring', 'lost');
  }

  waiting(count: number): NodeStatus {
    return this.#status('blue', 'ring', 'waiting', { count });
  }

  /** The model is being prepared. */
  preparing({ done, total, secondsLeft }: Preparation): NodeStatus {
    return secondsLeft === undefined
      ? this.#status('yellow', 'ring', 'loading', { done, total })
      : this.#status('yellow', 'ring', 'loadingLeft', { done, total, left: minutesText(secondsLeft) });
  }

  /** @param waiting other requests of the node */
  working(event: EngineEvent & { type: 'progress' }, waiting: number): NodeStatus {
    const { phase, done, total, warning } = event;
    if (warning) {
      const phrase = this.#phrase(`status.warning.${warning.code}`);
      return { fill: 'yellow', shape: 'dot', phrases: [phrase] };
    }
    if (phase === 'loading') return this.preparing(event);
    const step = this.#phrase(`status.${phase}`, { done, total });
    const behind = waiting > 0 ? [this.#phrase('status.waiting', { count: waiting })] : [];
    return { fill: 'blue', shape: 'dot', phrases: [step, ...behind] };
  }

  /** @param elapsedMs time of the last answer @param onCpu the CPU replaced a failed NPU */
  answered(elapsedMs: number, onCpu = false): NodeStatus {
    const seconds = secondsText(elapsedMs);
    return onCpu
      ? this.#status('yellow', 'dot', 'answeredOnCpu', { seconds })
      : this.#status('green', 'dot', 'answered', { seconds });
  }

  /** A vision stage is complete. @param waiting other requests of the node */
  encoding(event: EngineEvent & { type: 'progress' }, waiting: number): NodeStatus {
    const { core, done, total, warning } = event;
    if (core === undefined || warning) return this.working(event, waiting);
    return this.#status('blue', 'dot', 'visionOnCore', { done, total, core });
  }

  /** @param elapsedMs time of the last frame @param coreBusy busy share of each NPU core, 0 … 1 */
  encoded(elapsedMs: number, coreBusy: readonly number[]): NodeStatus {
    const seconds = secondsText(elapsedMs);
    const cores = coreBusy.map((share) => Math.round(100 * share)).join('/');
    return this.#status('green', 'dot', 'encoded', { seconds, cores });
  }

  dropped(reason: string): NodeStatus {
    return this.#status('yellow', 'dot', `dropped.${reason}`);
  }

  /** A fallback text was sent. @param reason reason of a drop, or code of an error */
  fallback(reason: string): NodeStatus {
    return this.#status('yellow', 'dot', 'fallback', { reason: this.trouble(reason) });
  }

  failed(thrown: unknown): NodeStatus {
    return { fill: 'red', shape: 'dot', phrases: [this.trouble(thrown)] };
  }

  /** The node cannot work before somebody changes it. */
  refused(thrown: unknown): NodeStatus {
    return { fill: 'red', shape: 'ring', phrases: [this.trouble(thrown)] };
  }

  #status(
    fill: NodeStatus['fill'],
    shape: NodeStatus['shape'],
    key: string,
    values?: Phrase['values'],
  ): NodeStatus {
    return { fill, shape, phrases: [this.#phrase(`status.${key}`, values)] };
  }
}

/** Tenths of a second; a quick answer is not shown as 0.0. */
function secondsText(ms: number): string {
  return ms < 95 ? (Math.max(10, ms) / 1000).toFixed(2) : (ms / 1000).toFixed(1);
}
