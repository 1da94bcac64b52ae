import type { IncomingMessage } from 'node:http';
import { SmolvlmError } from '../../errors';
import { type FetchEvent, hubId, type ModelInventory, modelsPath } from '../../protocol/models/model-cache';
import { NdjsonDecoder } from '../../protocol/ndjson';
import { defined } from '../../system/defined';
import type { EngineAddress } from '../engine-address';
import { type EngineHttpRequest, engineUnreachable, readJson, sendToEngine } from '../engine-http';
import type { FetchModelOptions, ModelCacheApi } from './model-cache-api';

/** A person waits for a list; the cache's folders are counted on a slow disk at worst. */
const answerMs = 20_000;

/** The models of an engine on another machine. */
export class RemoteModels implements ModelCacheApi {
  readonly #address: EngineAddress & { readonly kind: 'remote' };

  constructor(address: EngineAddress & { readonly kind: 'remote' }) {
    this.#address = address;
  }

  async list(): Promise<ModelInventory> {
    return await this.#document({ method: 'GET', path: modelsPath });
  }

  async remove(name: string): Promise<ModelInventory> {
    return await this.#document({ method: 'DELETE', path: `${modelsPath}/${encodeURIComponent(name)}` });
  }

  async fetch(id: string, { signal, onProgress }: FetchModelOptions = {}): Promise<void> {
    const response = await this.#send({
      method: 'POST',
      path: `${modelsPath}/fetch`,
      contentType: 'application/json',
      body: [Buffer.from(JSON.stringify({ model: hubId(id) }))],
      ...defined({ signal }),
    });
    if (response.statusCode !== 200) await this.#read(response);
    const decoder = new NdjsonDecoder();
    try {
      for await (const bytes of response) {
        for (const event of decoder.push(bytes) as FetchEvent[]) {
          if (event.type === 'done') return;
          if (event.type === 'error') throw SmolvlmError.from(event.error);
          onProgress?.({ doneBytes: event.doneBytes, totalBytes: event.totalBytes });
        }
      }
      throw new Error('the connection was closed');
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#failure(error);
    }
  }

  async #document(request: EngineHttpRequest): Promise<ModelInventory> {
    const response = await this.#send({ ...request, signal: AbortSignal.timeout(answerMs) });
    return (await this.#read(response)) as ModelInventory;
  }

  async #send(request: EngineHttpRequest): Promise<IncomingMessage> {
    const { url, token, fingerprint } = this.#address;
    try {
      return await sendToEngine({ url, ...defined({ token, fingerprint }) }, request);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  async #read(response: IncomingMessage): Promise<unknown> {
    try {
      return await readJson(response);
    } catch (error) {
      if (SmolvlmError.from(error).code !== 'request-unknown-path') throw this.#failure(error);
      throw new SmolvlmError(
        'engine-protocol',
        `the engine at ${this.#address.url.origin} has an older version of this package, which does not fetch models for a dialog`,
        { hint: 'Update this package on the engine’s machine, or run there: smolvlm pull ORG/NAME.' },
      );
    }
  }

  #failure(error: unknown): unknown {
    return error instanceof SmolvlmError ? error : engineUnreachable(this.#address, error);
  }
}
