import type { NodeAPI } from 'node-red';
import { findEngines } from '../../discovery/find-engines';
import { type ErrorBody, errorBody } from '../../errors';
import type { FoundEngine } from '../../protocol/found-engine';
import { readDialogForm } from './dialog-form';

/** What "Find engines" shows. */
export type FoundEngines = { readonly engines: readonly FoundEngine[] } | { readonly error: ErrorBody };

/**
 * Route for the open dialog of `smolvlm-engine`: engines that announce themselves on the network of the machine that
 * runs Node-RED.
 */
export function registerDiscoveryAdmin(RED: NodeAPI, find = () => findEngines()): void {
  // One search answers everybody who presses the button meanwhile.
  let running: Promise<FoundEngines> | undefined;
  const search = (): Promise<FoundEngines> => {
    running ??= answer(find).finally(() => {
      running = undefined;
    });
    return running;
  };
  RED.httpAdmin.post(
    '/smolvlm-engine/find',
    RED.auth.needsPermission('smolvlm-engine.write'),
    (request, response) => {
      void readDialogForm(request)
        .then(search, (error): FoundEngines => ({ error: errorBody(error) }))
        .then((body) => response.json(body));
    },
  );
}

async function answer(find: () => Promise<readonly FoundEngine[]>): Promise<FoundEngines> {
  try {
    return { engines: await find() };
  } catch (error) {
    return { error: errorBody(error) };
  }
}
