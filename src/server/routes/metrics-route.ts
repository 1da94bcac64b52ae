import type { FastifyInstance } from 'fastify';
import type { Engine } from '../../engine/engine';
import { EngineMetrics } from '../metrics';

/** One for all the sockets of an engine: made when it is first asked for or a frame is described. */
export class LazyMetrics {
  readonly #engine: Engine;
  #metrics: Promise<EngineMetrics> | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
    engine.onDone(
      (done) =>
        void this.get().then(
          (metrics) => metrics.add(done),
          () => undefined,
        ),
    );
  }

  /** @throws SmolvlmError `engine-metrics` */
  get(): Promise<EngineMetrics> {
    this.#metrics ??= EngineMetrics.create();
    return this.#metrics;
  }

  async text(): Promise<{ readonly type: string; readonly text: string }> {
    const metrics = await this.get();
    return { type: metrics.contentType, text: await metrics.text(this.#engine.status()) };
  }
}

/** `GET /metrics`, for Prometheus. */
export function registerMetrics(app: FastifyInstance, metrics: LazyMetrics): void {
  app.get('/metrics', async (_request, reply) => {
    const { type, text } = await metrics.text();
    return reply.header('content-type', type).send(text);
  });
}
