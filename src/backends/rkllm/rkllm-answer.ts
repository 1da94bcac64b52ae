import { SmolvlmError } from '../../errors';
import { runState } from './rkllm-abi';
import type { RkllmLibrary } from './rkllm-library';

export interface RkllmRun {
  readonly maxNewTokens: number;
  readonly signal?: AbortSignal;
  /** Pieces of the answer, whole characters. @returns whether the answer may go on */
  readonly onText?: (text: string) => boolean;
  readonly onToken?: (done: number, total: number) => void;
}

export interface RkllmAnswer {
  readonly text: string;
  /** As the library names them; one may stand for a part of a character. */
  readonly tokenIds: readonly number[];
  readonly finishReason: 'stop' | 'length';
}

/** Puts one answer together from the pieces that the library's thread gives. */
export class AnswerCollector {
  readonly #library: RkllmLibrary;
  readonly #run: RkllmRun;
  readonly #stop: () => void;
  /** Pieces may end within a character. */
  readonly #decoder = new TextDecoder();
  readonly #tokenIds: number[] = [];
  #text = '';
  #stopped = false;
  #ended: 'finish' | 'error' | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** @param stop called once, when the answer is long enough */
  constructor(library: RkllmLibrary, run: RkllmRun, stop: () => void) {
    this.#library = library;
    this.#run = run;
    this.#stop = stop;
  }

  /** Whether the answer was cut on purpose: what the library makes of its end then is no failure. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** @param result address of an `RKLLMResult`, valid during this call only */
  take(result: bigint, state: number): void {
    try {
      this.#take(result, state);
    } catch (error) {
      // Nothing may be thrown into the library's thread.
      this.#failure ??= { error };
      this.#end();
    }
  }

  /** @throws SmolvlmError `decoder-run`; what a listener threw */
  answer(): RkllmAnswer {
    if (this.#failure) throw this.#failure.error;
    if (this.#ended !== 'finish' && !this.#stopped) {
      throw new SmolvlmError('decoder-run', 'the NPU’s decoder gave up in the middle of the answer', {
        hint: 'Its own words are in the engine’s log. A too long prompt is one reason: lower the detail or the number of pictures.',
      });
    }
    const rest = this.#decoder.decode();
    if (!this.#stopped) this.#say(rest);
    const full = this.#tokenIds.length >= this.#run.maxNewTokens;
    return { text: this.#text, tokenIds: this.#tokenIds, finishReason: full ? 'length' : 'stop' };
  }

  #take(result: bigint, state: number): void {
    if (state === runState.finish || state === runState.error) {
      this.#ended = state === runState.finish ? 'finish' : 'error';
      return;
    }
    if (this.#stopped) return;
    const { size, text, token } = this.#library.layout.result;
    const struct = Buffer.from(this.#library.view(result, size));
    const id = struct.readInt32LE(token);
    if (id >= 0) this.#tokenIds.push(id);
    this.#run.onToken?.(this.#tokenIds.length, this.#run.maxNewTokens);
    this.#say(this.#decoder.decode(this.#library.textAt(struct.readBigUInt64LE(text)), { stream: true }));
    // Up to 1.2 a run has no bound of its own.
    if (this.#tokenIds.length >= this.#run.maxNewTokens) this.#end();
  }

  #say(text: string): void {
    if (text === '') return;
    this.#text += text;
    if (this.#run.onText?.(text) === false) this.#end();
  }

  #end(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#stop();
  }
}
