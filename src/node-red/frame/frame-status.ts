import type { Held } from '../../frame/frame-gate';
import type { FrameVerdict } from '../../frame/frame-intake';
import { type Clock, systemClock } from '../../system/clock';
import type { NodeStatus } from '../status/node-status';
import type { Phrase, Phrases } from '../status/phrase';
import type { TroubleWords } from '../status/trouble-words';
import type { SourceSettings } from './source-settings';

const marginMs = 5_000;
/** A stream's own watch reports most silences, so that this one may follow closely. */
const streamMarginMs = 3_000;

/** How long a source may go without a picture or an error. @returns undefined if it need not deliver */
export function longestSilenceMs(settings: SourceSettings): number | undefined {
  if (settings.kind === 'snapshot') {
    const { intervalMs, timeoutMs, retries } = settings;
    // Retries pause for 0.5 s, then twice as long each time.
    const tries = timeoutMs * (retries + 1) + 500 * (2 ** retries - 1);
    return intervalMs === undefined ? undefined : intervalMs + tries + marginMs;
  }
  if (settings.kind === 'mjpeg' || settings.kind === 'rtsp') {
    return settings.intervalMs + settings.timeoutMs + streamMarginMs;
  }
  return undefined;
}

export interface FrameStatusOptions {
  readonly show: (status: NodeStatus) => void;
  /** Names `status.…` of the node's catalog. */
  readonly phrase: Phrases;
  readonly trouble: TroubleWords;
  /** Absent: the source need not deliver. */
  readonly longestSilenceMs?: number;
  readonly clock?: Clock;
}

/**
 * What a frame node shows below it. A source's trouble stays until its next picture: verdicts on earlier pictures do not
 * cover it. A source that delivers nothing for too long is reported even if it raises no error.
 */
export class FrameStatus {
  readonly #options: FrameStatusOptions;
  readonly #clock: Clock;
  readonly #counts = { passed: 0, held: 0 };
  #delivering = true;
  #silentSince: number;
  #stopWatch: (() => void) | undefined;

  constructor(options: FrameStatusOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#silentSince = this.#clock.now();
  }

  idle(): void {
    this.#show('grey', 'ring', this.#phrase('status.idle'));
  }

  connecting(): void {
    this.#delivering = false;
    this.#show('yellow', 'ring', this.#phrase('status.connecting'));
    this.#watch();
  }

  /** The source works, and has not delivered a picture yet. */
  connected(): void {
    this.#delivering = true;
    this.#show('green', 'ring', this.#phrase('status.connected'));
  }

  /** A picture came. */
  arrived(): void {
    this.#delivering = true;
    this.#silentSince = this.#clock.now();
    this.#watch();
  }

  trouble(thrown: unknown): void {
    this.#delivering = false;
    this.#show('red', 'ring', this.#options.trouble(thrown));
    this.#watch();
  }

  /** An error of one message or picture. */
  failed(thrown: unknown): void {
    this.#show('red', 'dot', this.#options.trouble(thrown));
  }

  verdict(verdict: FrameVerdict): void {
    if ('held' in verdict) this.#counts.held++;
    else if ('frame' in verdict) this.#counts.passed++;
    if (!this.#delivering) return;
    if ('error' in verdict) this.failed(verdict.error);
    else if ('held' in verdict) this.#held(verdict.held.reason);
    else this.#show('green', 'dot', this.#phrase('status.passed', this.#counts));
  }

  close(): void {
    this.#stopWatch?.();
  }

  #held(reason: Held['reason']): void {
    const phrase = this.#phrase(`status.held.${reason}`, this.#counts);
    this.#show(reason === 'stale' ? 'red' : 'yellow', 'dot', phrase);
  }

  #watch(): void {
    const { longestSilenceMs: ms } = this.#options;
    if (ms === undefined) return;
    this.#stopWatch?.();
    this.#stopWatch = this.#clock.after(ms, () => {
      const seconds = Math.round((this.#clock.now() - this.#silentSince) / 1000);
      // A cause that is known says more than a time.
      if (this.#delivering) this.#show('red', 'ring', this.#phrase('status.silent', { seconds }));
      this.#watch();
    });
  }

  /** With a copy of the values: the counts change. */
  #phrase(key: string, values?: Phrase['values']): Phrase {
    return this.#options.phrase(key, values && { ...values });
  }

  #show(fill: NodeStatus['fill'], shape: NodeStatus['shape'], phrase: Phrase): void {
    this.#options.show({ fill, shape, phrases: [phrase] });
  }
}
