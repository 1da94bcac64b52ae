import type { Node } from 'node-red';
import type { Engine } from '../client/engine';
import { EngineClient } from '../client/engine-client';
import type { EngineSettings } from './engine-settings';

/** What the `smolvlm-engine` node offers to the nodes that use it. */
export interface EngineNode extends Node {
  /** The engine's client, made when the first node asks; the engine itself starts with the first picture. */
  engine(): Engine;
  readonly settings: EngineSettings;
}

/** The client of an engine config node, opened late and closed with the node. */
export class EngineShare {
  readonly #settings: EngineSettings;
  #client: EngineClient | undefined;

  constructor(settings: EngineSettings) {
    this.#settings = settings;
  }

  engine(): Engine {
    const { address, idleExitSeconds } = this.#settings;
    this.#client ??= new EngineClient(address, { local: { idleExitSeconds } });
    return this.#client;
  }

  async close(): Promise<void> {
    await this.#client?.close();
    this.#client = undefined;
  }
}
