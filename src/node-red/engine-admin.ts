import type { NodeAPI } from 'node-red';
import { type ErrorBody, errorBody } from '../errors';
import type { DoctorReport } from '../protocol/doctor-report';
import type { EngineStatus } from '../protocol/engine-status';
import { readDialogForm } from './dialog-form';
import { unsavedSettings, withEngine } from './unsaved-engine';

/** What "Check engine" shows; an engine that cannot be reached is a finding too. */
export type EngineCheck =
  | { readonly status: EngineStatus; readonly doctor: DoctorReport }
  | { readonly error: ErrorBody };

/** Who may try an engine out: it may start a process and load a model. */
export const engineWrite = 'smolvlm-engine.write';

/** What the dialog of `smolvlm-engine` asks while it is open. */
export function registerEngineAdmin(RED: NodeAPI): void {
  RED.httpAdmin.post('/smolvlm-engine/check', RED.auth.needsPermission(engineWrite), (request, response) => {
    void checkEngine(RED, request).then((answer) => response.json(answer));
  });
}

async function checkEngine(
  RED: NodeAPI,
  request: Parameters<typeof readDialogForm>[0],
): Promise<EngineCheck> {
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
