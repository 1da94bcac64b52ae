import type { NodeAPI } from 'node-red';
import type { EngineApi } from '../../client/engine-api';
import { SmolvlmError } from '../../errors';
import { parseNatsAddress } from '../../nats/nats-address';
import { clientOf, shownPlace } from './engine-place';
import { type EngineDialog, type EngineSettings, engineSettings } from './engine-settings';

/** What the editor puts into a password field that is already saved. */
const savedPassword = '__PWRD__';

/** Long enough for a busy network; a person waits for it. */
const unreachableMs = 5_000;

/**
 * The settings that a dialog would have if it were saved now.
 * @param fields of the dialog, with the node's `id` and the `token` as the editor shows it
 * @throws SmolvlmError `engine-address`; `node-property`; `dialog-token` if the saved token belongs to another address
 */
export function dialogSettings(RED: NodeAPI, fields: Readonly<Record<string, unknown>>): EngineSettings {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'string' || typeof value === 'number')
      texts[name] = fromEnvironment(RED, `${value}`);
  }
  const { id = '', token, ...dialog } = texts;
  const settings = (given: string | undefined): EngineSettings =>
    engineSettings(dialog satisfies EngineDialog, given, RED.settings.userDir ?? process.cwd());
  if (token !== savedPassword) return settings(token);
  const { token: savedToken } = (RED.nodes.getCredentials(id) ?? {}) as { readonly token?: string };
  const inDialog = settings(savedToken);
  if (savedToken && inDialog.address.kind !== 'local')
    checkOrigin(shownPlace(inDialog.address), savedPlace(RED, id));
  return inDialog;
}

/** The saved token is a secret between Node-RED and the engine it was entered for: no other address gets it. */
function checkOrigin(entered: string, saved: string | undefined): void {
  if (entered === saved) return;
  throw new SmolvlmError(
    'dialog-token',
    `the saved token belongs to ${saved ?? 'no remote engine'} and is not sent to ${entered}`,
    { hint: 'Enter the token of this engine, or clear the field if it needs none.' },
  );
}

/** Remote engine or group of hubs that a node is saved with. */
function savedPlace(RED: NodeAPI, id: string): string | undefined {
  let place: string | undefined;
  RED.nodes.eachNode((node) => {
    const { location, url: saved = '' } = node as EngineDialog;
    if (node.id !== id || (location !== 'remote' && location !== 'group')) return;
    const url = fromEnvironment(RED, saved);
    place = location === 'group' ? groupPlace(url) : URL.canParse(url) ? new URL(url).origin : undefined;
  });
  return place;
}

function groupPlace(url: string): string | undefined {
  try {
    return shownPlace({ kind: 'group', nats: parseNatsAddress(url) });
  } catch {
    return undefined;
  }
}

/** Does something with the engine that these settings name, and gives its lease back. */
export async function withEngine<T>(
  { address, idleExitSeconds }: EngineSettings,
  use: (client: EngineApi) => Promise<T>,
): Promise<T> {
  const client = clientOf(address, { local: { idleExitSeconds }, unreachableMs });
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
