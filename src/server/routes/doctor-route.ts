import type { FastifyInstance } from 'fastify';
import type { Engine } from '../../engine/engine';
import { diagnose } from '../../platform/doctor/diagnose';
import type { DoctorReport } from '../../protocol/doctor-report';
import { limits } from '../../protocol/limits';

export interface DoctorOptions {
  readonly engine: Engine;
  /** Compared with the machine besides the loaded ones. */
  readonly defaultModel?: string;
}

const querystring = {
  type: 'object',
  properties: { model: { type: 'string', minLength: 1, maxLength: limits.modelCharacters } },
} as const;

/** `GET /v1/smolvlm/doctor[?model=M]`: what the engine's machine has and lacks, for its models and for M. */
export function registerDoctor(app: FastifyInstance, { engine, defaultModel }: DoctorOptions): void {
  app.get<{ Querystring: { model?: string } }>(
    '/v1/smolvlm/doctor',
    { schema: { querystring } },
    async ({ query }): Promise<DoctorReport> => {
      const asked = query.model ?? defaultModel;
      const loaded = engine.status().models.map(({ model }) => model);
      return await diagnose([...new Set(asked === undefined ? loaded : [asked, ...loaded])]);
    },
  );
}
