import type { EngineApi } from '../client/engine-api';
import type { EngineEvent } from '../protocol/events';
import type { NodeStatus, StatusWords } from './node-status';

/** The status of a node that uses an engine: the connection to it and the progress of its requests. */
export class EngineStatusLine {
  readonly words: StatusWords;
  readonly show: (status: NodeStatus) => void;
  readonly #unlisten: () => void;

  constructor(engine: EngineApi, words: StatusWords, show: (status: NodeStatus) => void) {
    this.words = words;
    this.show = show;
    this.#unlisten = engine.onState((state) => {
      if (state === 'connecting') show(words.connecting());
      if (state === 'lost') show(words.lost());
    });
  }

  /** @param behind other requests of the node @param doing `encoding` for a vision node */
  onEvent(event: EngineEvent, behind: number, doing: 'working' | 'encoding' = 'working'): void {
    if (event.type === 'progress') this.show(this.words[doing](event, behind));
    if (event.type === 'queued' && event.waiting > 0) this.show(this.words.waiting(event.waiting));
  }

  /** Stops listening to the engine. */
  close(): void {
    this.#unlisten();
  }
}
