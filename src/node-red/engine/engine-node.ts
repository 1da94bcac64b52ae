import type { Node, NodeAPI } from 'node-red';
import type { EngineApi } from '../../client/engine-api';
import { EngineClient } from '../../client/engine-client';
import { errorBody, SmolvlmError } from '../../errors';
import type { EngineOverview } from './engine-overview';
import type { EngineSettings } from './engine-settings';
import { RecentFrames } from './recent-frames';
import { RecordingEngine } from './recording-engine';

/** What the `smolvlm-engine` node offers to the nodes that use it. */
export interface EngineNode extends Node {
  /** The engine's client, made when the first node asks; the engine itself starts with the first picture. */
  engine(): EngineApi;
  readonly settings: EngineSettings;
  /** What there is to be seen of it. @param sequence of the last frame that is known already */
  overview(sequence: number): Promise<EngineOverview>;
}

/** @param id of the config node that a dialog names @throws SmolvlmError `node-no-engine` */
export function chosenEngine(RED: NodeAPI, id: string): EngineNode {
  const node = RED.nodes.getNode(id) as EngineNode | null;
  if (node?.engine) return node;
  throw new SmolvlmError('node-no-engine', 'no engine is chosen', {
    hint: 'Open the node and choose or add an engine.',
  });
}

/** The client of an engine config node, opened late and closed with the node. */
export class EngineShare {
  readonly #settings: EngineSettings;
  readonly #recent: RecentFrames;
  #client: EngineApi | undefined;

  constructor(settings: EngineSettings) {
    this.#settings = settings;
    this.#recent = new RecentFrames(settings.recentFrames);
  }

  engine(): EngineApi {
    const { address, idleExitSeconds } = this.#settings;
    this.#client ??= new RecordingEngine(
      new EngineClient(address, { local: { idleExitSeconds } }),
      this.#recent,
    );
    return this.#client;
  }

  /** Starts no engine, and keeps none from going. */
  async overview(sequence: number): Promise<EngineOverview> {
    const { address } = this.#settings;
    const seen = {
      place: address.kind === 'remote' ? address.url.origin : 'local',
      state: this.#client?.state ?? 'idle',
      frames: this.#recent.since(sequence),
      oldestSequence: this.#recent.oldestSequence,
    };
    if (!this.#client || seen.state !== 'connected') return seen;
    try {
      return { ...seen, status: await this.#client.status() };
    } catch (error) {
      return { ...seen, error: errorBody(error) };
    }
  }

  async close(): Promise<void> {
    await this.#client?.close();
    this.#client = undefined;
  }
}
