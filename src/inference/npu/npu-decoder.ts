import type { ErrorBody } from '../../errors';
import type { Bundle } from '../../model/bundle/read-bundle';
import { npuDriver } from '../../platform/npu/npu-driver';
import { SharedNpuLock } from '../../platform/npu/shared-npu-lock';
import { SystemFiles } from '../../platform/recording/system-files';
import type { DescribeRequest } from '../../protocol/describe-request';
import { defined } from '../../system/defined';
import type { NpuSettings, RkllmSettings } from '../../system/settings';
import { AnswerText } from '../../text/answer-text';
import { openNpuDecoder, type RkllmDecoder } from '../../text/open-npu-decoder';
import type { Caption, CaptionerOptions, InferenceHooks } from '../inference';
import { NpuBackoff } from './npu-backoff';
import { npuReadWriteLock } from './npu-read-write-lock';
import type { NpuSharingRule } from './npu-sharing';
import { earlierCrashes } from './open-tower';

/** A prompt for the NPU's decoder. */
export interface NpuPrompt {
  /** [tokens, width] float32: token embeddings and image rows as the checkpoint's own prompt has them. */
  readonly rows: Float32Array;
  readonly width: number;
  readonly maxNewTokens: number;
  /** The same in the vendor's own prompt format; absent when that cannot express it. */
  readonly pictures?: NpuPictures;
}

export interface NpuPictures {
  readonly prompt: string;
  readonly rows: Float32Array;
  readonly rowsPerImage: number;
  readonly images: number;
  readonly imageSize: number;
}

export type NpuDecoderOptions = Pick<CaptionerOptions, 'decoder' | 'onDeviceLost'> & {
  readonly maxContext: number;
  readonly npu: NpuSettings;
  readonly rkllm: RkllmSettings;
  readonly sharing: NpuSharingRule;
};

interface Opened {
  readonly decoder: RkllmDecoder;
  readonly lock: SharedNpuLock;
}

/** The checkpoint's template around a user message; the runtime cannot read it from the file (rknn-llm#420). */
const template = { prefix: '<|im_start|>User:', postfix: '<end_of_utterance>\nAssistant:' } as const;

/** The decoder on the NPU, opened when it is first needed. */
export class NpuDecoder {
  readonly #bundle: Bundle;
  readonly #options: NpuDecoderOptions;
  readonly #backoff: NpuBackoff;
  #opened: Promise<Opened> | undefined;

  private constructor(bundle: Bundle, options: NpuDecoderOptions, backoff: NpuBackoff) {
    this.#bundle = bundle;
    this.#options = options;
    this.#backoff = backoff;
  }

  /** @returns undefined when the bundle has no such decoder, or the request chooses the CPU */
  static async open(bundle: Bundle, options: NpuDecoderOptions): Promise<NpuDecoder | undefined> {
    if (!bundle.manifest.npuDecoder || options.decoder === 'cpu') return undefined;
    return new NpuDecoder(bundle, options, new NpuBackoff(await earlierCrashes(options.npu.lockPath)));
  }

  /** Whether the request requires the NPU, so that the CPU must not take over. */
  get insisted(): boolean {
    return this.#options.decoder === 'npu';
  }

  get fallback(): ErrorBody | undefined {
    return this.insisted ? undefined : (this.#options.sharing.useCpu ?? this.#backoff.reason);
  }

  /** It decodes greedily and returns text only: scores and schemas need the CPU's logits. */
  canAnswer({ choices, jsonSchema, temperature = 0, answer = {} }: DescribeRequest): boolean {
    const { mayBeEmpty: _empty, ...needsLogits } = answer;
    const textOnly = choices === undefined && jsonSchema === undefined;
    return textOnly && temperature === 0 && Object.keys(needsLogits).length === 0;
  }

  failed(error: unknown): ErrorBody {
    return this.#backoff.failed(error);
  }

  /** @throws SmolvlmError for failures of the NPU; the signal's reason when aborted */
  async answer(
    prompt: NpuPrompt,
    { stop }: DescribeRequest,
    hooks: InferenceHooks,
  ): Promise<Pick<Caption, 'text' | 'tokenIds' | 'finishReason'>> {
    this.#options.sharing.check(!this.insisted);
    const { decoder } = await this.#open();
    const text = new AnswerText({ push: () => '', end: () => '' }, stop, hooks.onToken);
    const run = {
      maxNewTokens: prompt.maxNewTokens,
      signal: hooks.signal,
      onText: (piece: string): boolean => {
        text.add(piece);
        return !text.stopped;
      },
      onToken: (done: number, total: number) => hooks.onProgress({ phase: 'decode', done, total }),
    };
    const vendorPrompt = this.#options.rkllm.input === 'multimodal' ? prompt.pictures : undefined;
    const { tokenIds, finishReason } = await npuReadWriteLock.exclusive(() =>
      vendorPrompt
        ? decoder.answerPictures(vendorPrompt, run)
        : decoder.answerRows(prompt.rows, prompt.width, run),
    );
    text.end();
    this.#backoff.worked();
    return { text: text.text, tokenIds, finishReason: text.stopped ? 'stop' : finishReason };
  }

  async close(): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined);
    await opened?.decoder.close();
    await opened?.lock.release();
  }

  #open(): Promise<Opened> {
    this.#opened ??= this.#openDecoder().catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  async #openDecoder(): Promise<Opened> {
    const { maxContext, onDeviceLost, npu, rkllm } = this.#options;
    const lock = await SharedNpuLock.take({
      lockPath: npu.lockPath,
      whenBusy: this.insisted ? 'wait' : 'fail',
    });
    try {
      const decoder = await npuReadWriteLock.exclusive(() =>
        openNpuDecoder(this.#bundle, {
          maxContext,
          driver: npuDriver(new SystemFiles()).version,
          embedFlash: rkllm.embedFlash,
          ...defined({
            library: rkllm.library,
            abi: rkllm.abi,
            silenceMs: npu.silenceMs,
            lostMs: npu.lostMs,
          }),
          onLost: (ms) =>
            onDeviceLost?.({
              code: 'npu-lost',
              message: `the NPU's decoder has not returned for ${ms / 1000} s`,
            }),
        }),
      );
      await decoder.setTemplate(template.prefix, template.postfix);
      return { decoder, lock };
    } catch (error) {
      await lock.release();
      throw error;
    }
  }
}
