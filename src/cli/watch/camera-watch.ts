import type { EngineApi } from '../../client/engine-api';
import { errorBody, type SmolvlmError } from '../../errors';
import { FrameGate } from '../../frame/frame-gate';
import { FrameIntake, type FrameIntakeOptions, type FrameVerdict } from '../../frame/frame-intake';
import type { FrameSource } from '../../frame/frame-source';
import { openFrameSource } from '../../frame/open-frame-source';
import type { DescribeFinal } from '../../protocol/events';
import type { WatchedCamera } from './watched-camera';

export interface CameraWatchOptions {
  readonly camera: WatchedCamera;
  readonly engine: EngineApi;
  readonly prepare: FrameIntakeOptions<undefined>['prepare'];
  /** A line about the camera's state, when it changes. */
  readonly log: (line: string) => void;
  /** @param camera with its zone, e.g. `porch/door` */
  readonly onAnswer: (camera: string, final: DescribeFinal) => void;
  readonly now?: () => number;
  /** Default: `openFrameSource`. */
  readonly openSource?: typeof openFrameSource;
}

const delivering = 'delivers pictures';

/** What became of a camera's pictures since the start. */
export interface WatchCounts {
  pictures: number;
  held: number;
  published: number;
  captions: number;
  dropped: number;
  failed: number;
}

/** Publishes a camera's pictures that pass the filters, and reports their answers. */
export class CameraWatch {
  readonly counts: WatchCounts = { pictures: 0, held: 0, published: 0, captions: 0, dropped: 0, failed: 0 };
  readonly #options: CameraWatchOptions;
  readonly #source: FrameSource;
  readonly #intake: FrameIntake<undefined>;
  readonly #now: () => number;
  #closed = false;
  #state = 'no picture yet';
  #lastPictureAt: number | undefined;

  constructor(options: CameraWatchOptions) {
    const { camera, prepare, openSource = openFrameSource } = options;
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#intake = new FrameIntake<undefined>({
      gate: new FrameGate(camera.gate),
      prepare,
      options: camera.options,
      zones: camera.zones,
      now: this.#now,
      onVerdicts: ({ capturedAt }, verdicts) => {
        for (const verdict of verdicts) this.#onVerdict(verdict, capturedAt ?? this.#now());
      },
    });
    this.#source = openSource(camera.source, {
      onFrame: ({ bytes, capturedAt }) => {
        this.counts.pictures += 1;
        this.#lastPictureAt = this.#now();
        this.#show(delivering);
        this.#intake.offer({ camera: camera.name, bytes, capturedAt, tag: undefined });
      },
      onConnected: () => {
        // Snapshot sources report it with each picture.
        if (this.#state !== delivering) this.#show('connected');
      },
      onTrouble: (error, isKnown) => {
        if (!isKnown) this.#show(line(error));
      },
    });
  }

  /** One line: its state and counts. */
  get status(): string {
    const { pictures, held, published, captions, dropped, failed } = this.counts;
    const ageMs = this.#lastPictureAt === undefined ? undefined : this.#now() - this.#lastPictureAt;
    const last = ageMs === undefined ? '' : `, the last ${Math.round(ageMs / 1000)} s ago`;
    const parts = [
      `${pictures} pictures${last}`,
      `${held} held back`,
      `${published} published`,
      `${captions} captions`,
      `${dropped} dropped`,
      `${failed} failed`,
    ];
    return `${this.#options.camera.name}: ${this.#state}; ${parts.join(', ')}`;
  }

  close(): void {
    this.#closed = true;
    this.#source.close();
  }

  #onVerdict(verdict: FrameVerdict, capturedAt: number): void {
    if (this.#closed) return;
    if ('held' in verdict) {
      this.counts.held += 1;
      if (verdict.held.reason === 'stale') this.#show(verdict.held.message);
    } else if ('error' in verdict) {
      this.counts.failed += 1;
      this.#show(line(errorBody(verdict.error)));
    } else {
      void this.#publish(verdict.frame.jpeg, verdict.zone, capturedAt);
    }
  }

  async #publish(jpeg: Uint8Array, zone: string | undefined, capturedAt: number): Promise<void> {
    const { camera, engine, onAnswer } = this.#options;
    const name = zone === undefined ? camera.name : `${camera.name}/${zone}`;
    const input = {
      ...camera.request,
      camera: name,
      capturedAt: new Date(capturedAt).toISOString(),
      queue: { policy: 'newest', capacity: camera.capacity },
    } as const;
    let isQueued = false;
    const onEvent = ({ type }: { readonly type: string }): void => {
      if (type !== 'queued' || isQueued) return;
      isQueued = true;
      this.counts.published += 1;
    };
    const final = await engine
      .describe(input, [jpeg], { onEvent })
      .catch((error: unknown): DescribeFinal => ({ type: 'error', id: '', error: errorBody(error) }));
    if (final.type === 'result') this.counts.captions += 1;
    else if (final.type === 'dropped') this.counts.dropped += 1;
    else this.counts.failed += 1;
    if (this.#closed) return;
    if (final.type === 'error') this.#show(line(final.error));
    onAnswer(name, final);
  }

  /** A state that lasts is logged once. */
  #show(state: string): void {
    if (this.#closed || state === this.#state) return;
    this.#state = state;
    this.#options.log(`${this.#options.camera.name}: ${state}`);
  }
}

function line({ message, code }: Pick<SmolvlmError, 'message' | 'code'>): string {
  return `${message} [${code}]`;
}
