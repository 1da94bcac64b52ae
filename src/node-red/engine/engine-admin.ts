import type { IncomingMessage, ServerResponse } from 'node:http';
import type { NodeAPI } from 'node-red';
import { type ErrorBody, errorBody, SmolvlmError } from '../../errors';
import type { DoctorReport } from '../../protocol/doctor-report';
import type { EngineStatus } from '../../protocol/engine-status';
import type { DescribeFinal, EngineEvent } from '../../protocol/events';
import { encodeEvent, eventStreamType, heartbeatMs } from '../../protocol/ndjson';
import { defaultPrompt, requestOptions } from '../dialog-fields';
import { type DialogForm, readDialogForm } from './dialog-form';
import { unsavedSettings, withEngine } from './dialog-preview';

/** What "Check engine" shows; an engine that cannot be reached is a finding too. */
export type EngineCheck =
  | { readonly status: EngineStatus; readonly doctor: DoctorReport }
  | { readonly error: ErrorBody };

/** Who may try an engine out: it may start a process and load a model. */
const engineWrite = 'smolvlm-engine.write';

/** A person waits for it; the cameras do not. */
const tryPriority = 10;

/** What the dialog of `smolvlm-engine` asks while it is open, of an engine that need not be saved. */
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
    const settings = unsavedSettings(RED, dialog);
    return await withEngine(settings, async (client) => ({
      doctor: await client.doctor(settings.defaults.model),
      status: await client.status(),
    }));
  } catch (error) {
    return { error: errorBody(error) };
  }
}

/** Answers with the engine's own events, one on a line; a browser that goes away cancels the request. */
async function tryEngine(RED: NodeAPI, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  // Said at once, and again: a proxy on the way may take silence for the end.
  response.writeHead(200, { 'content-type': eventStreamType, 'cache-control': 'no-store' });
  response.flushHeaders();
  const heartbeat = setInterval(() => response.write('\n'), heartbeatMs);
  let final: DescribeFinal;
  try {
    const form = await readDialogForm(request);
    final = await describe(RED, form, gone.signal, (event) => response.write(encodeEvent(event)));
  } catch (error) {
    final = { type: 'error', id: '', error: errorBody(error) };
  }
  clearInterval(heartbeat);
  response.end(encodeEvent(final));
}

async function describe(
  RED: NodeAPI,
  { dialog, picture }: DialogForm,
  signal: AbortSignal,
  onEvent: (event: EngineEvent) => void,
): Promise<DescribeFinal> {
  if (!picture) {
    throw new SmolvlmError('dialog-picture', 'expected a picture, received none', {
      hint: 'Drop one on the dialog, or choose a file.',
    });
  }
  const { prompt, detail } = dialog;
  const settings = unsavedSettings(RED, dialog);
  return await withEngine(settings, (client) =>
    client.describe(
      {
        ...settings.defaults,
        ...requestOptions({ detail: String(detail) }, {}),
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
