import type { Node, NodeAPI } from 'node-red';
import type { EngineApi } from '../../client/engine-api';
import { errorBody, SmolvlmError } from '../../errors';
import { NatsEngine } from '../../nats/client/nats-engine';
import { unlessAborted } from '../../system/async/unless-aborted';
import type { EngineOverview } from './engine-overview';
import { clientOf, shownPlace } from './engine-place';
import type { EngineSettings } from './engine-settings';
import { groupOverview } from './group-overview';
import { RecentFrames } from './recent-frames';
import { RecordingEngine } from './recording-engine';

/** What a `smolvlm-engine` node provides to the nodes that use it. */
export interface EngineNode extends Node {
  /** The engine's client, created on first use; the engine itself starts with the first picture. */
  engine(): EngineApi;
  readonly settings: EngineSettings;
  /** Why an engine on this machine could not describe a picture, known before the first one. */
  readonly fault?: SmolvlmError;
  /**
   * State and recent frames.
   * @param sequence number of the last frame that the reader has
   * @param deadline ends the wait for the engine's own status; the rest is returned with an error
   */
  overview(sequence: number, deadline: AbortSignal): Promise<EngineOverview>;
}

/** @param id id of the config node chosen in the dialog @throws SmolvlmError `node-no-engine` */
export function chosenEngine(RED: NodeAPI, id: string): EngineNode {
  const node = RED.nodes.getNode(id) as EngineNode | null;
  if (node?.engine) return node;
  if (!id) {
    throw new SmolvlmError('node-no-engine', 'no engine is chosen', {
      hint: 'Open the node and choose or add an engine.',
    });
  }
  throw new SmolvlmError(
    'node-no-engine',
    'the chosen engine is missing, disabled, or part of another flow',
    {
      hint: 'Open the node and choose an engine that is there, or enable the chosen one.',
    },
  );
}

/** The client of an engine config node, created on first use and closed with the node. */
export class EngineShare {
  readonly #settings: EngineSettings;
  readonly #recent: RecentFrames;
  #client: EngineApi | undefined;
  /** The client's group of hubs, if it is one. */
  #group: NatsEngine | undefined;

  constructor(settings: EngineSettings) {
    this.#settings = settings;
    this.#recent = new RecentFrames(settings.recentFrames);
  }

  engine(): EngineApi {
    const { address, idleExitSeconds } = this.#settings;
    if (!this.#client) {
      const client = clientOf(address, { local: { idleExitSeconds } });
      this.#group = client instanceof NatsEngine ? client : undefined;
      this.#client = new RecordingEngine(client, this.#recent);
    }
    return this.#client;
  }

  /** Does not start the engine, and does not keep it running. */
  async overview(sequence: number, deadline: AbortSignal): Promise<EngineOverview> {
    const { address } = this.#settings;
    const known = {
      place: shownPlace(address),
      state: this.#client?.state ?? 'idle',
      frames: this.#recent.since(sequence),
      oldestSequence: this.#recent.oldestSequence,
    };
    if (!this.#client || known.state !== 'connected') return known;
    try {
      if (this.#group) return { ...known, ...(await groupOverview(this.#group, deadline)) };
      return { ...known, status: await unlessAborted(this.#client.status(deadline), deadline) };
    } catch (error) {
      return { ...known, error: errorBody(deadline.aborted ? silentEngine(known.place) : error) };
    }
  }

  async close(): Promise<void> {
    await this.#client?.close();
    this.#client = undefined;
    this.#group = undefined;
  }
}

function silentEngine(place: string): SmolvlmError {
  const where = place === 'local' ? 'on this machine' : `at ${place}`;
  return new SmolvlmError('engine-unreachable', `the engine ${where} does not report its status`, {
    hint: 'It may be stopped or overloaded; the sidebar tries again every two seconds.',
  });
}
