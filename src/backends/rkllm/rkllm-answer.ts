import { SmolvlmError } from '../../errors';
import { runState } from './rkllm-abi';
import type { RkllmLibrary } from './rkllm-library';

export interface RkllmRun {
  readonly maxNewTokens: number;
  readonly signal?: AbortSignal;
  /** Receives pieces of the answer, in whole characters. @returns whether the answer may continue */
  readonly onText?: (text: string) => boolean;
  readonly onToken?: (done: number, total: number) => void;
}

export interface RkllmAnswer {
  readonly text: string;
  /** The library's token ids; one may be part of a character. */
  readonly tokenIds: readonly number[];
  readonly finishReason: 'stop' | 'length';
}

/** Assembles one answer from the pieces that the library's thread delivers. */
export class AnswerCollector {
  readonly #library: RkllmLibrary;
  readonly #run: RkllmRun;
  readonly #stop: () => void;
  /** A piece may end in the middle of a character. */
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

  /** Whether the answer was cut on purpose: the status that the library reports then is not a failure. */
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
      throw new SmolvlmError('decoder-run', 'the NPU’s decoder failed in the middle of the answer', {
        hint: 'Its own message is in the engine’s log. A prompt that is too long is one reason: lower the detail or the number of pictures.',
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
    // Up to 1.2 a run has no token limit.
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
