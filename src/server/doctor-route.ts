import type { FastifyInstance } from 'fastify';
import type { Engine } from '../engine/engine';
import { diagnose } from '../platform/doctor/diagnose';
import type { DoctorReport } from '../protocol/doctor-report';

export interface DoctorOptions {
  readonly engine: Engine;
  /** Compared with the machine besides the loaded ones. */
  readonly defaultModel?: string;
}

/** `GET /v1/smolvlm/doctor`: what the engine's machine has and lacks. */
export function registerDoctor(app: FastifyInstance, { engine, defaultModel }: DoctorOptions): void {
  app.get('/v1/smolvlm/doctor', async (): Promise<DoctorReport> => {
    const loaded = engine.status().models.map(({ model }) => model);
    return await diagnose([...new Set(defaultModel === undefined ? loaded : [defaultModel, ...loaded])]);
  });
}
