import type { IncomingMessage, ServerResponse } from 'node:http';
import type { NodeAPI } from 'node-red';
import { runCommandChild } from '../../client/command-child';
import { type ErrorBody, errorBody, SmolvlmError } from '../../errors';
import { eventStreamType, heartbeatMs } from '../../protocol/ndjson';
import { readDialogForm } from './dialog-form';
import { dialogSettings } from './dialog-preview';
import { type CachedItem, type FetchEvent, isHubId } from './model-family';

/** What the tab "Model" lists. */
export type CachedModels = { readonly items: readonly CachedItem[] } | { readonly error: ErrorBody };

/** A line a second is enough for a progress bar. */
const progressEveryMs = 500;

/** Routes for the open dialog of `smolvlm-engine`: models of this machine, fetched and removed by its command line. */
export function registerModelAdmin(RED: NodeAPI): void {
  const mayWrite = RED.auth.needsPermission('smolvlm-engine.write');
  RED.httpAdmin.post('/smolvlm-engine/models', mayWrite, (request, response) => {
    void answer(async () => {
      await readDialogForm(request);
      return await cached();
    }).then((body) => response.json(body));
  });
  RED.httpAdmin.post('/smolvlm-engine/models/remove', mayWrite, (request, response) => {
    void answer(async () => {
      const { dialog } = await readDialogForm(request);
      // A name, never an option: those of models begin with a letter or a digit.
      const name = String(dialog.remove ?? '').replace(/^-+/, '');
      await runCommandChild(['cache', 'clear', name]);
      return await cached();
    }).then((body) => response.json(body));
  });
  RED.httpAdmin.post('/smolvlm-engine/models/fetch', mayWrite, (request, response) => {
    void fetchModel(RED, request, response);
  });
}

async function cached(): Promise<readonly CachedItem[]> {
  return (await runCommandChild(['cache'])).document as readonly CachedItem[];
}

async function answer(items: () => Promise<readonly CachedItem[]>): Promise<CachedModels> {
  try {
    return { items: await items() };
  } catch (error) {
    return { error: errorBody(error) };
  }
}

/** Answers with a line for each step; closing the connection pauses the download, and the next request continues it. */
async function fetchModel(RED: NodeAPI, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  response.writeHead(200, { 'content-type': eventStreamType, 'cache-control': 'no-store' });
  response.flushHeaders();
  const heartbeat = setInterval(() => response.write('\n'), heartbeatMs);
  const send = (event: FetchEvent): void => void response.write(`${JSON.stringify(event)}\n`);
  try {
    const { dialog } = await readDialogForm(request);
    const model = fetchable(RED, dialog);
    let lastMs = 0;
    await runCommandChild(['pull', model], {
      signal: gone.signal,
      onProgress: ({ done, total }) => {
        const now = performance.now();
        if (now - lastMs < progressEveryMs && done < total) return;
        lastMs = now;
        send({ type: 'progress', doneBytes: done, totalBytes: total });
      },
    });
    send({ type: 'done' });
  } catch (error) {
    if (!gone.signal.aborted) send({ type: 'error', error: errorBody(error) });
  }
  clearInterval(heartbeat);
  response.end();
}

/** @throws SmolvlmError `hub-not-found` for a name of another form; `engine-address` for a remote engine */
function fetchable(RED: NodeAPI, dialog: Readonly<Record<string, unknown>>): string {
  const model = String(dialog.fetch ?? '').trim();
  if (dialogSettings(RED, { ...dialog, model: 'demo' }).address.kind === 'remote') {
    throw new SmolvlmError('engine-address', 'a model is fetched on the machine of its engine', {
      hint: `Run there: smolvlm pull ${model}`,
    });
  }
  if (isHubId(model)) return model;
  throw new SmolvlmError('hub-not-found', `expected a hub id, ORG/NAME, received "${model}"`, {
    hint: 'For example HuggingFaceTB/SmolVLM-256M-Instruct.',
  });
}
