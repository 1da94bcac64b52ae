import type { NodeMessage } from 'node-red';
import type { DescribeInput, Engine } from '../client/engine';
import { captionProperty, type DroppedProperty } from '../protocol/caption-property';
import type { EngineEvent, FinalEvent } from '../protocol/events';
import { describeSeen, type QuestionPictures } from './feature-handles';
import type { NodeStatus, StatusWords } from './node-status';

/** A request ready to be sent. */
export interface CaptionCall {
  readonly request: DescribeInput;
  readonly pictures: QuestionPictures;
}

/** What a message became: it leaves by the first output, by the second, or not at all. */
export type CaptionOutcome =
  | { readonly output: 'result' | 'dropped'; readonly message: NodeMessage }
  | { readonly output: 'error'; readonly error: unknown };

/** The requests a caption node has under way, and what its status says of them. */
export class CaptionCalls {
  readonly #engine: Engine;
  readonly #words: StatusWords;
  readonly #show: (status: NodeStatus) => void;
  readonly #closing = new AbortController();
  readonly #unlisten: () => void;
  #underWay = 0;

  constructor(engine: Engine, words: StatusWords, show: (status: NodeStatus) => void) {
    this.#engine = engine;
    this.#words = words;
    this.#show = show;
    this.#unlisten = engine.onState((state) => {
      if (state === 'connecting') show(words.connecting());
      if (state === 'lost') show(words.lost());
    });
    show(words.idle());
  }

  /** Aborted when the node closes. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** Never rejects; `prepare` turns the message into a request. */
  async run(
    message: NodeMessage,
    prepare: (signal: AbortSignal) => Promise<CaptionCall>,
  ): Promise<CaptionOutcome> {
    const started = performance.now();
    this.#underWay += 1;
    try {
      const { request, pictures } = await prepare(this.signal);
      const final = await describeSeen(this.#engine, request, pictures, {
        signal: this.signal,
        onEvent: (event) => this.#onEvent(event),
      });
      return this.#outcome(message, request, final, performance.now() - started);
    } catch (error) {
      return { output: 'error', error };
    } finally {
      this.#underWay -= 1;
    }
  }

  /** Ends what is under way; each message still ends once. */
  close(): void {
    this.#unlisten();
    this.#closing.abort();
  }

  #onEvent(event: EngineEvent): void {
    if (event.type === 'progress') this.#show(this.#words.working(event, this.#underWay - 1));
    if (event.type === 'queued' && event.waiting > 0) this.#show(this.#words.waiting(event.waiting));
  }

  #outcome(
    message: NodeMessage,
    request: DescribeInput,
    final: FinalEvent,
    elapsedMs: number,
  ): CaptionOutcome {
    switch (final.type) {
      case 'result': {
        const caption = captionProperty(final.result);
        const others = this.#underWay - 1;
        this.#show(
          others > 0
            ? this.#words.waiting(others)
            : this.#words.answered(elapsedMs, caption.fallback !== undefined),
        );
        return { output: 'result', message: Object.assign(message, { payload: caption.text, caption }) };
      }
      case 'dropped': {
        const caption: DroppedProperty = {
          text: null,
          dropped: final.reason,
          reason: final.message,
          ...(request.camera !== undefined && { camera: request.camera }),
          prompt: request.prompt ?? '',
        };
        if (this.#underWay === 1) this.#show(this.#words.dropped(final.reason));
        return { output: 'dropped', message: Object.assign(message, { caption }) };
      }
      case 'error':
        return { output: 'error', error: final.error };
    }
  }
}
