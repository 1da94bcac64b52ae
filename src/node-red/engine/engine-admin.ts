import type { IncomingMessage, ServerResponse } from 'node:http';
import type { NodeAPI } from 'node-red';
import { type ErrorBody, errorBody, SmolvlmError } from '../../errors';
import { defaultPrompt } from '../../protocol/default-prompt';
import type { DoctorReport } from '../../protocol/doctor-report';
import type { EngineStatus } from '../../protocol/engine-status';
import type { DescribeFinal, EngineEvent } from '../../protocol/events';
import { streamToDialog } from '../dialog-stream';
import { requestOptions, requestSettings } from '../request-settings';
import { type DialogForm, readDialogForm } from './dialog-form';
import { dialogSettings, withEngine } from './dialog-preview';

/** What "Check engine" shows; an unreachable engine is shown as an error. */
export type EngineCheck =
  | { readonly status: EngineStatus; readonly doctor: DoctorReport }
  | { readonly error: ErrorBody };

/** Permission to check or try an engine, which may start a process and load a model. */
const engineWrite = 'smolvlm-engine.write';

/** A person is waiting for the answer. */
const tryPriority = 10;

/** Routes for the open dialog of `smolvlm-engine`, also for an engine that is not saved yet. */
export function registerEngineAdmin(RED: NodeAPI): void {
  const mayWrite = RED.auth.needsPermission(engineWrite);
  RED.httpAdmin.post('/smolvlm-engine/check', mayWrite, (request, response) => {
    void checkEngine(RED, request).then((answer) => response.json(answer));
  });
  RED.httpAdmin.post('/smolvlm-engine/try', mayWrite, (request, response) => {
    void tryEngine(RED, request, response);
  });
}

async function checkEngine(RED: NodeAPI, request: IncomingMessage): Promise<EngineCheck> {
  try {
    const { dialog } = await readDialogForm(request);
    const settings = dialogSettings(RED, dialog);
    return await withEngine(settings, async (client) => ({
      doctor: await client.doctor(settings.defaults.model),
      status: await client.status(),
    }));
  } catch (error) {
    return { error: errorBody(error) };
  }
}

/** Answers with the engine's events, one per line; closing the connection cancels the request. */
function tryEngine(RED: NodeAPI, request: IncomingMessage, response: ServerResponse): Promise<void> {
  return streamToDialog(response, async (send, gone) => {
    try {
      send(await describe(RED, await readDialogForm(request), gone, send));
    } catch (error) {
      send({ type: 'error', id: '', error: errorBody(error) } satisfies DescribeFinal);
    }
  });
}

async function describe(
  RED: NodeAPI,
  { dialog, picture }: DialogForm,
  signal: AbortSignal,
  onEvent: (event: EngineEvent) => void,
): Promise<DescribeFinal> {
  if (!picture) {
    throw new SmolvlmError('dialog-picture', 'expected a picture, received none', {
      hint: 'Drop a picture on the dialog, or choose a file.',
    });
  }
  const { prompt, detail } = dialog;
  const settings = dialogSettings(RED, dialog);
  return await withEngine(settings, (client) =>
    client.describe(
      {
        ...settings.defaults,
        ...requestOptions(requestSettings({ detail: typeof detail === 'string' ? detail : '' }), {}),
        prompt: typeof prompt === 'string' && prompt.trim() !== '' ? prompt : defaultPrompt,
        camera: 'editor',
        priority: tryPriority,
        stream: true,
      },
      [picture],
      { signal, onEvent },
    ),
  );
}
