import type { IncomingMessage, ServerResponse } from 'node:http';
import type { NodeAPI } from 'node-red';
import { LocalModels } from '../../client/models/local-models';
import type { ModelCacheApi } from '../../client/models/model-cache-api';
import { RemoteModels } from '../../client/models/remote-models';
import { type ErrorBody, errorBody, SmolvlmError } from '../../errors';
import { type FetchEvent, type ModelInventory, seldom } from '../../protocol/models/model-cache';
import { streamToDialog } from '../dialog-stream';
import { readDialogForm } from './dialog-form';
import { dialogSettings } from './dialog-preview';

/** What the tab "Model" lists. */
export type ListedModels = ModelInventory | { readonly error: ErrorBody };

type Dialog = Readonly<Record<string, unknown>>;

/** Routes for the open dialog of `smolvlm-engine`: the models of the machine that its engine runs on. */
export function registerModelAdmin(RED: NodeAPI): void {
  const mayWrite = RED.auth.needsPermission('smolvlm-engine.write');
  RED.httpAdmin.post('/smolvlm-engine/models', mayWrite, (request, response) => {
    void answer(request, (dialog) => modelsOf(RED, dialog).list()).then((body) => response.json(body));
  });
  RED.httpAdmin.post('/smolvlm-engine/models/remove', mayWrite, (request, response) => {
    void answer(request, (dialog) => modelsOf(RED, dialog).remove(String(dialog.remove ?? ''))).then((body) =>
      response.json(body),
    );
  });
  RED.httpAdmin.post('/smolvlm-engine/models/fetch', mayWrite, (request, response) => {
    void fetchModel(RED, request, response);
  });
}

/** @throws SmolvlmError `engine-address` for a group of hubs, and what `dialogSettings` throws */
function modelsOf(RED: NodeAPI, dialog: Dialog): ModelCacheApi {
  // The model's field may be empty or wrong while one is chosen.
  const { address } = dialogSettings(RED, { ...dialog, model: 'demo' });
  if (address.kind === 'local') return new LocalModels();
  if (address.kind === 'remote') return new RemoteModels(address);
  throw new SmolvlmError('engine-address', 'expected one engine, received a group of hubs', {
    hint: 'Fetch the model on each hub: smolvlm pull ORG/NAME.',
  });
}

async function answer(
  request: IncomingMessage,
  models: (dialog: Dialog) => Promise<ModelInventory>,
): Promise<ListedModels> {
  try {
    return await models((await readDialogForm(request)).dialog);
  } catch (error) {
    return { error: errorBody(error) };
  }
}

/** Answers with a line for each step; closing the connection pauses the download, and the next request continues it. */
function fetchModel(RED: NodeAPI, request: IncomingMessage, response: ServerResponse): Promise<void> {
  return streamToDialog(response, async (write, gone) => {
    const send = (event: FetchEvent): void => write(event);
    try {
      const { dialog } = await readDialogForm(request);
      await modelsOf(RED, dialog).fetch(String(dialog.fetch ?? ''), {
        signal: gone,
        onProgress: seldom((progress) => send({ type: 'progress', ...progress })),
      });
      send({ type: 'done' });
    } catch (error) {
      if (!gone.aborted) send({ type: 'error', error: errorBody(error) });
    }
  });
}
