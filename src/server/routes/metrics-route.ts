import type { FastifyInstance } from 'fastify';
import type { Engine } from '../../engine/engine';
import type { SuccessEvent } from '../../protocol/events';
import { afterAnswer } from '../after-answer';
import { EngineMetrics } from '../metrics';

/** An engine's metrics, shared by its sockets; created with the first frame described or the first `GET /metrics`. */
export class LazyMetrics {
  readonly #engine: Engine;
  #metrics: Promise<EngineMetrics> | undefined;

  #uncounted: SuccessEvent[] = [];
  readonly #sources: (() => Promise<string>)[] = [];

  constructor(engine: Engine) {
    this.#engine = engine;
    engine.onDone((done) => {
      this.#uncounted.push(done);
      afterAnswer(() => void this.#count());
    });
  }

  /** @throws SmolvlmError `engine-metrics` */
  get(): Promise<EngineMetrics> {
    this.#metrics ??= EngineMetrics.create();
    return this.#metrics;
  }

  /** @param source more metrics, in Prometheus' text format */
  include(source: () => Promise<string>): void {
    this.#sources.push(source);
  }

  /** Never rejects: a fault of the metrics must not end the engine. */
  async #count(): Promise<void> {
    const metrics = await this.get().catch(() => undefined);
    for (const done of this.#uncounted.splice(0)) {
      try {
        metrics?.add(done);
      } catch {
        // The others count.
      }
    }
  }

  async text(): Promise<{ readonly type: string; readonly text: string }> {
    const metrics = await this.get();
    await this.#count();
    const texts = [metrics.text(this.#engine.status()), ...this.#sources.map((source) => source())];
    return { type: metrics.contentType, text: `${(await Promise.all(texts)).join('\n').trim()}\n` };
  }
}

/** `GET /metrics`, for Prometheus. */
export function registerMetrics(app: FastifyInstance, metrics: LazyMetrics): void {
  app.get('/metrics', async (_request, reply) => {
    const { type, text } = await metrics.text();
    return reply.header('content-type', type).send(text);
  });
}
