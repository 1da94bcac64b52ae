import type { FastifyInstance } from 'fastify';
import type { Engine } from '../../engine/engine';
import { errorBody } from '../../errors';
import type { UnusableModel } from '../../platform/bundle-facts';
import type { DoctorReport } from '../../protocol/doctor-report';
import { limits } from '../../protocol/limits';
import type { ModelCatalog } from '../model-catalog';

export interface DoctorOptions {
  readonly engine: Engine;
  /** Checked against the machine, with the loaded models. */
  readonly defaultModel?: string;
  /** For clients on the network, which name models by id or alias. */
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
      const named =
        query.model === undefined || !networkModels ? query.model : await find(networkModels, query.model);
      const requested = named ?? defaultModel;
      const loaded = engine.status().models.map(({ model }) => model);
      // Loaded when it is needed: engines start without it.
      const { diagnose } = await import('../../platform/doctor/diagnose.js');
      return await diagnose([...new Set(requested === undefined ? loaded : [requested, ...loaded])]);
    },
  );
}

/** @returns undefined for the engine's own model; why it cannot be used, for a model that is not on this machine */
async function find(models: ModelCatalog, model: string): Promise<string | UnusableModel | undefined> {
  try {
    return (await models.find(model)).model;
  } catch (error) {
    return { model, fault: errorBody(error) };
  }
}
