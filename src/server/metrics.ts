import type { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { SmolvlmError } from '../errors';
import type { EngineStatus } from '../protocol/engine-status';
import type { SuccessEvent } from '../protocol/events';

type Prometheus = typeof import('prom-client');
type WatchedStatus = Pick<EngineStatus, 'cameras' | 'models'>;

/** Seconds: from a question about cached features to a frame in full detail on a slow machine. */
const buckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 120];

/** An engine's metrics for Prometheus. */
export class EngineMetrics {
  readonly #registry: Registry;
  readonly #captionSeconds: Histogram<'part'>;
  readonly #featuresSeconds: Histogram<'part'>;
  readonly #queuedSeconds: Histogram;
  readonly #stageSeconds: Counter<'stage'>;
  readonly #coreSeconds: Counter<'core'>;
  readonly #fallbacks: Counter<'code'>;
  readonly #frames: Gauge<'camera' | 'outcome'>;
  readonly #waiting: Gauge<'camera'>;
  readonly #modelBytes: Gauge<'model' | 'backend'>;
  /** Of the process. Measuring its event loop wakes it 100 times a second, so they are collected once somebody reads them. */
  #collectProcess: (() => void) | undefined;

  private constructor(prometheus: Prometheus) {
    const { Registry, Counter, Gauge, Histogram, collectDefaultMetrics } = prometheus;
    const registers = [new Registry()];
    this.#registry = registers[0] as Registry;
    this.#collectProcess = () => collectDefaultMetrics({ register: this.#registry });
    this.#captionSeconds = new Histogram({
      name: 'smolvlm_caption_seconds',
      help: 'Time of a described frame by part: image, vision, prefill, decode, total',
      labelNames: ['part'],
      buckets,
      registers,
    });
    this.#featuresSeconds = new Histogram({
      name: 'smolvlm_features_seconds',
      help: 'Time of a frame encoded without a caption, its features kept for questions, by part: image, vision, total',
      labelNames: ['part'],
      buckets,
      registers,
    });
    this.#queuedSeconds = new Histogram({
      name: 'smolvlm_queued_seconds',
      help: 'Waiting time of a described or encoded frame',
      buckets,
      registers,
    });
    this.#stageSeconds = new Counter({
      name: 'smolvlm_stage_seconds_total',
      help: 'Time of each stage of the vision tower',
      labelNames: ['stage'],
      registers,
    });
    this.#coreSeconds = new Counter({
      name: 'smolvlm_npu_core_busy_seconds_total',
      help: 'Time each NPU core worked on described or encoded frames',
      labelNames: ['core'],
      registers,
    });
    this.#fallbacks = new Counter({
      name: 'smolvlm_fallback_frames_total',
      help: 'Frames encoded on the CPU instead of the NPU, by reason',
      labelNames: ['code'],
      registers,
    });
    this.#frames = new Gauge({
      name: 'smolvlm_frames',
      help: 'Frames since the engine started, by camera and outcome; they add up to the frames sent',
      labelNames: ['camera', 'outcome'],
      registers,
    });
    this.#waiting = new Gauge({
      name: 'smolvlm_frames_waiting',
      help: 'Waiting frames',
      labelNames: ['camera'],
      registers,
    });
    this.#modelBytes = new Gauge({
      name: 'smolvlm_model_bytes',
      help: 'Weights and caches of each loaded model',
      labelNames: ['model', 'backend'],
      registers,
    });
  }

  /** @throws SmolvlmError `engine-metrics` when the package prom-client is not installed */
  static async create(): Promise<EngineMetrics> {
    try {
      return new EngineMetrics(await import('prom-client'));
    } catch (cause) {
      throw new SmolvlmError('engine-metrics', 'cannot load the package prom-client, which writes metrics', {
        hint: 'Install this package without --omit=optional on the engine’s machine.',
        cause,
      });
    }
  }

  /** Counts a frame that was described or encoded. */
  add(done: SuccessEvent): void {
    const { timingsMs, queuedMs, vision, fallback } = done.type === 'result' ? done.result : done.features;
    const seconds = done.type === 'result' ? this.#captionSeconds : this.#featuresSeconds;
    for (const [part, ms] of Object.entries(timingsMs)) seconds.observe({ part }, ms / 1000);
    this.#queuedSeconds.observe(queuedMs / 1000);
    for (const [stage, ms] of Object.entries(vision?.stagesMs ?? {}))
      this.#stageSeconds.inc({ stage }, ms / 1000);
    for (const [core, share] of (vision?.coreBusy ?? []).entries()) {
      this.#coreSeconds.inc({ core: String(core) }, (share * timingsMs.vision) / 1000);
    }
    if (fallback) this.#fallbacks.inc({ code: fallback.code });
  }

  /** In Prometheus' text format. */
  text({ cameras, models }: WatchedStatus): Promise<string> {
    this.#collectProcess?.();
    this.#collectProcess = undefined;
    for (const gauge of [this.#frames, this.#waiting, this.#modelBytes]) gauge.reset();
    for (const [camera, { waiting, running, done, failed, dropped }] of Object.entries(cameras)) {
      this.#waiting.set({ camera }, waiting);
      for (const [outcome, count] of Object.entries({ running, done, failed, ...dropped })) {
        this.#frames.set({ camera, outcome }, count);
      }
    }
    for (const { model, backend, memoryBytes } of models)
      this.#modelBytes.set({ model, backend }, memoryBytes);
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }
}
