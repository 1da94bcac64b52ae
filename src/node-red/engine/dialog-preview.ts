import type { NodeAPI } from 'node-red';
import { EngineClient } from '../../client/engine-client';
import { type EngineDialog, type EngineSettings, engineSettings } from './engine-settings';

/** What the editor puts into a password field that is already saved. */
const savedPassword = '__PWRD__';

/** Long enough for a busy network; a person waits for it. */
const unreachableMs = 5_000;

/**
 * The settings that a dialog would have if it were saved now.
 * @param fields of the dialog, with the node's `id` and the `token` as the editor shows it
 * @throws SmolvlmError `engine-address`
 */
export function unsavedSettings(RED: NodeAPI, fields: Readonly<Record<string, unknown>>): EngineSettings {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'string' || typeof value === 'number')
      texts[name] = fromEnvironment(RED, `${value}`);
  }
  const { id = '', token, ...dialog } = texts;
  const saved = (RED.nodes.getCredentials(id) ?? {}) as { readonly token?: string };
  return engineSettings(
    dialog satisfies EngineDialog,
    token === savedPassword ? saved.token : token,
    RED.settings.userDir ?? process.cwd(),
  );
}

/** Does something with the engine that these settings name, and gives its lease back. */
export async function withEngine<T>(
  { address, idleExitSeconds }: EngineSettings,
  use: (client: EngineClient) => Promise<T>,
): Promise<T> {
  const client = new EngineClient(address, { local: { idleExitSeconds }, unreachableMs });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

/** As the runtime does with the fields of a saved node: `${NAME}` is a variable of the environment. */
function fromEnvironment(RED: NodeAPI, value: string): string {
  if (!/^\$\{[^}]+\}$/.test(value)) return value;
  return String(RED.util.evaluateNodeProperty(value, 'env', undefined as never, {}) ?? '');
}
