import type { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { SmolvlmError } from '../errors';
import type { EngineStatus } from '../protocol/engine-status';
import type { SuccessEvent } from '../protocol/events';

type Prometheus = typeof import('prom-client');
type Watched = Pick<EngineStatus, 'cameras' | 'models'>;

/** Seconds; from a question about a frame that is known to full detail on a slow hub. */
const buckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 120];

/** What an engine tells Prometheus. */
export class EngineMetrics {
  readonly #registry: Registry;
  readonly #parts: Histogram<'part'>;
  readonly #sightParts: Histogram<'part'>;
  readonly #queued: Histogram;
  readonly #stages: Counter<'stage'>;
  readonly #cores: Counter<'core'>;
  readonly #fallbacks: Counter<'code'>;
  readonly #frames: Gauge<'camera' | 'outcome'>;
  readonly #waiting: Gauge<'camera'>;
  readonly #modelBytes: Gauge<'model' | 'backend'>;

  private constructor(prometheus: Prometheus) {
    const { Registry, Counter, Gauge, Histogram, collectDefaultMetrics } = prometheus;
    const registers = [new Registry()];
    this.#registry = registers[0] as Registry;
    collectDefaultMetrics({ register: this.#registry });
    this.#parts = new Histogram({
      name: 'smolvlm_caption_seconds',
      help: 'Time of a described frame by part: image, vision, prefill, decode, total',
      labelNames: ['part'],
      buckets,
      registers,
    });
    this.#sightParts = new Histogram({
      name: 'smolvlm_features_seconds',
      help: 'Time of a frame that was only seen, its features kept for questions, by part: image, vision, total',
      labelNames: ['part'],
      buckets,
      registers,
    });
    this.#queued = new Histogram({
      name: 'smolvlm_queued_seconds',
      help: 'Time a described or seen frame waited',
      buckets,
      registers,
    });
    this.#stages = new Counter({
      name: 'smolvlm_stage_seconds_total',
      help: 'Time of each stage of the vision tower',
      labelNames: ['stage'],
      registers,
    });
    this.#cores = new Counter({
      name: 'smolvlm_npu_core_busy_seconds_total',
      help: 'Time each NPU core worked on frames that were described or seen',
      labelNames: ['core'],
      registers,
    });
    this.#fallbacks = new Counter({
      name: 'smolvlm_fallback_frames_total',
      help: 'Frames the CPU saw where the NPU should have, by reason',
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
      help: 'Frames that wait',
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

  /** @throws SmolvlmError `engine-metrics` where the package prom-client is not installed */
  static async create(): Promise<EngineMetrics> {
    try {
      return new EngineMetrics(await import('prom-client'));
    } catch (cause) {
      throw new SmolvlmError(
        'engine-metrics',
        'the package prom-client, which writes metrics, cannot be loaded',
        {
          hint: 'Install this package without --omit=optional on the machine of the engine.',
          cause,
        },
      );
    }
  }

  /** Counts a frame that was described or seen. */
  add(done: SuccessEvent): void {
    const { timingsMs, queuedMs, vision, fallback } = done.type === 'result' ? done.result : done.features;
    const parts = done.type === 'result' ? this.#parts : this.#sightParts;
    for (const [part, ms] of Object.entries(timingsMs)) parts.observe({ part }, ms / 1000);
    this.#queued.observe(queuedMs / 1000);
    for (const [stage, ms] of Object.entries(vision?.stagesMs ?? {})) this.#stages.inc({ stage }, ms / 1000);
    for (const [core, share] of (vision?.coreBusy ?? []).entries()) {
      this.#cores.inc({ core: String(core) }, (share * timingsMs.vision) / 1000);
    }
    if (fallback) this.#fallbacks.inc({ code: fallback.code });
  }

  /** In Prometheus' text format. */
  text({ cameras, models }: Watched): Promise<string> {
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
