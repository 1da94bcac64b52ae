import type { FastifyInstance } from 'fastify';
import type { Engine } from '../../engine/engine';
import { diagnose } from '../../platform/doctor/diagnose';
import type { DoctorReport } from '../../protocol/doctor-report';
import { limits } from '../../protocol/limits';
import type { ModelCatalog } from '../model-catalog';

export interface DoctorOptions {
  readonly engine: Engine;
  /** Checked against the machine, with the loaded models. */
  readonly defaultModel?: string;
  /** For callers on the network, who name models by id or alias. */
  readonly networkModels?: ModelCatalog;
}

const querystring = {
  type: 'object',
  properties: { model: { type: 'string', minLength: 1, maxLength: limits.modelCharacters } },
} as const;

/** `GET /v1/smolvlm/doctor[?model=M]`: the doctor's report on the engine's machine, for its models and for M. */
export function registerDoctor(
  app: FastifyInstance,
  { engine, defaultModel, networkModels }: DoctorOptions,
): void {
  app.get<{ Querystring: { model?: string } }>(
    '/v1/smolvlm/doctor',
    { schema: { summary: 'The state of the engine’s machine', querystring } as object },
    async ({ query }): Promise<DoctorReport> => {
      const named = query.model === undefined ? undefined : await networkModels?.find(query.model);
      const requested = (networkModels ? named?.model : query.model) ?? defaultModel;
      const loaded = engine.status().models.map(({ model }) => model);
      return await diagnose([...new Set(requested === undefined ? loaded : [requested, ...loaded])]);
    },
  );
}
