import type { OpenAiRoutes } from './openai-routes';

/** Bundles and checkpoints do not tell when they were made. */
const created = 0;

/** `GET /v1/models` and `GET /v1/models/{id}`. */
export function registerModels(routes: OpenAiRoutes): void {
  const list = async (): Promise<object> => {
    const names = await routes.models.names();
    const models = names.map((name) => ({
      name,
      model: name,
      type: 'model',
      capabilities: ['completion', 'multimodal'],
    }));
    return { object: 'list', data: names.map(modelObject), models };
  };
  routes.get('/models', 'List the models that a request may name', list);

  // Ids of pulled models contain a slash.
  routes.get('/models/*', 'Look up a model', async ({ params }) => {
    const name = params['*'];
    if (!name) return await list();
    const { id } = await routes.models.find(name);
    return modelObject(id);
  });
}

function modelObject(id: string) {
  return { id, object: 'model', created, owned_by: 'smolvlm' };
}
