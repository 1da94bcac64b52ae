import type { EngineApi } from '../../client/engine-api';
import type { EngineEvent } from '../../protocol/events';
import type { NodeStatus, StatusWords } from './node-status';

/** The status of a node that uses an engine: the connection to it and the progress of its requests. */
export class EngineStatusLine {
  readonly words: StatusWords;
  readonly #show: (status: NodeStatus) => void;
  readonly #unlisten: () => void;
  /** The current status is about the connection, not about a request. */
  #showsConnection = false;

  /**
   * @param node whether it has requests running, and its status without: an idle node does not show that the engine
   * starts for another node, and is idle again once the engine is back
   */
  constructor(
    engine: EngineApi,
    words: StatusWords,
    show: (status: NodeStatus) => void,
    node?: { readonly isBusy: () => boolean; readonly idle: NodeStatus },
  ) {
    this.words = words;
    this.#show = show;
    this.#unlisten = engine.onState((state) => {
      if (state === 'connecting' && node?.isBusy() !== false) this.#showConnection(words.connecting());
      if (state === 'lost') this.#showConnection(words.lost());
      if (state === 'connected' && this.#showsConnection && node?.isBusy() === false) this.show(node.idle);
    });
  }

  show(status: NodeStatus): void {
    this.#showsConnection = false;
    this.#show(status);
  }

  /** @param behind other requests of the node @param doing `encoding` for a vision node */
  onEvent(event: EngineEvent, behind: number, doing: 'working' | 'encoding' = 'working'): void {
    if (event.type === 'progress') this.show(this.words[doing](event, behind));
    if (event.type !== 'queued') return;
    if (event.preparing) this.show(this.words.preparing(event.preparing));
    else if (event.waiting > 0) this.show(this.words.waiting(event.waiting));
  }

  /** Stops listening to the engine. */
  close(): void {
    this.#unlisten();
  }

  #showConnection(status: NodeStatus): void {
    this.#show(status);
    this.#showsConnection = true;
  }
}
