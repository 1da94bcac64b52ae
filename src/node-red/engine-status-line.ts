import type { EngineApi } from '../client/engine-api';
import type { EngineEvent } from '../protocol/events';
import type { NodeStatus, StatusWords } from './node-status';

/** The status below a node that asks an engine: the connection to it, and what it says on the way to an answer. */
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

  /** @param behind the node's requests behind this one @param doing `seeing` where the picture is only seen */
  onEvent(event: EngineEvent, behind: number, doing: 'working' | 'seeing' = 'working'): void {
    if (event.type === 'progress') this.show(this.words[doing](event, behind));
    if (event.type === 'queued' && event.waiting > 0) this.show(this.words.waiting(event.waiting));
  }

  /** The engine is not listened to any more. */
  close(): void {
    this.#unlisten();
  }
}
