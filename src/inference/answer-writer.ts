import { type ErrorBody, SmolvlmError } from '../errors';
import { imageTokensPerTile, type ModelConfig } from '../model/checkpoint/model-config';
import type { Prompt, PromptBuilder } from '../prompt/prompt-builder';
import { TokenStream } from '../prompt/token-stream';
import type { DescribeRequest } from '../protocol/describe-request';
import type { AnswerSchema } from '../protocol/schema/answer-schema';
import { defined } from '../system/defined';
import { JsonConstraint } from '../text/constraint/json-constraint';
import { TokenTrie } from '../text/constraint/token-trie';
import type { ContextPool, PooledContext } from '../text/context-pool';
import { embedPrompt, type PromptImage } from '../text/embed-prompt';
import { generate } from '../text/generate';
import { LogitAdjustment } from '../text/logit-adjustment';
import { type GiveWay, prefill } from '../text/prefill';
import { scoreChoices } from '../text/score-choices';
import type { TokenEmbeddings } from '../text/token-embeddings';
import { TokenLogprobs } from '../text/token-logprobs';
import type { Caption, InferenceHooks } from './inference';
import type { NpuDecoder, NpuPictures } from './npu/npu-decoder';
import type { TimedHooks } from './phase-timer';

/** Enough for a few sentences. */
const defaultMaxNewTokens = 128;

/** The parts of a loaded model that write its answers. */
export interface TextParts {
  /** The decoder on the NPU, where the bundle has one. */
  readonly npuText?: NpuDecoder;
  readonly config: ModelConfig;
  readonly prompts: PromptBuilder;
  readonly contexts: ContextPool;
  readonly contextLimit: number;
  readonly embeddings: TokenEmbeddings;
}

type Answer = Pick<
  Caption,
  'text' | 'json' | 'tokenIds' | 'finishReason' | 'confidence' | 'choices' | 'logprobs'
>;

/** An answer, with where it was written and why the CPU wrote it instead of the NPU. */
export type WrittenAnswer = Answer & { readonly onNpu: boolean; readonly fallback?: ErrorBody };

/** What the writing of an answer tells its caller, and where it stops for others. */
export interface AnswerHooks extends TimedHooks {
  /** Awaited between pieces of the work, the tokens of the NPU's decoder excepted. */
  readonly giveWay: GiveWay;
}

/** The language side of a loaded model: from a prompt and encoded images to an answer. One call at a time. */
export class AnswerWriter {
  readonly #parts: TextParts;
  #trie: TokenTrie | undefined;
  #pieces: readonly (Uint8Array | undefined)[] | undefined;

  constructor(parts: TextParts) {
    this.#parts = parts;
  }

  /** Prefill and decode: on the NPU if its decoder can give this answer, else on the CPU. */
  async write(
    prompt: Prompt,
    images: readonly PromptImage[],
    request: DescribeRequest,
    hooks: AnswerHooks,
  ): Promise<WrittenAnswer> {
    const { signal, timer, giveWay, onProgress } = hooks;
    timer.end('wait');
    await giveWay();
    signal.throwIfAborted();
    const { config, embeddings } = this.#parts;
    const rows = await embedPrompt(prompt.inputIds, config.imageTokenId, images, embeddings);
    const tried = await this.#answerOnNpu(prompt, rows.rows, images, request, hooks);
    if (tried && 'text' in tried) {
      timer.end('decode');
      return { ...tried, onNpu: true };
    }
    const pooled = this.#parts.contexts.take(rows.keys);
    try {
      const logits = await prefill(pooled, rows, {
        signal,
        giveWay,
        onProgress: (done, total) => onProgress({ phase: 'prefill', done, total }),
      });
      timer.end('prefill');
      const answer = await this.#answer(pooled, logits, request, hooks);
      timer.end('decode');
      return { ...answer, onNpu: false, ...tried };
    } finally {
      this.#parts.contexts.give(pooled);
    }
  }

  /** @returns the answer, or why the CPU must give it; undefined when the NPU is not to give it */
  async #answerOnNpu(
    prompt: Prompt,
    rows: Float32Array,
    images: readonly PromptImage[],
    request: DescribeRequest,
    hooks: InferenceHooks,
  ): Promise<Answer | { readonly fallback: ErrorBody } | undefined> {
    const { npuText, embeddings, contextLimit } = this.#parts;
    if (!npuText?.canAnswer(request)) return undefined;
    if (npuText.fallback) return { fallback: npuText.fallback };
    const { maxNewTokens = defaultMaxNewTokens } = request;
    const pictures = this.#vendorPictures(images, request);
    try {
      return await npuText.answer(
        {
          rows,
          width: embeddings.width,
          maxNewTokens: Math.min(maxNewTokens, contextLimit - prompt.inputIds.length),
          ...defined({ pictures }),
        },
        request,
        hooks,
      );
    } catch (error) {
      hooks.signal.throwIfAborted();
      if (npuText.insisted) throw error;
      return { fallback: npuText.failed(error) };
    }
  }

  /** The vendor's prompt can hold pictures of one tile and a question; undefined for others. */
  #vendorPictures(images: readonly PromptImage[], { prompt }: DescribeRequest): NpuPictures | undefined {
    const { config, embeddings } = this.#parts;
    const rowsPerImage = imageTokensPerTile(config);
    const oneTile = images.every(({ rows }) => rows.length === rowsPerImage * embeddings.width);
    if (prompt === undefined || images.length === 0 || !oneTile) return undefined;
    const rows = new Float32Array(images.length * rowsPerImage * embeddings.width);
    for (const [index, image] of images.entries()) rows.set(image.rows, index * image.rows.length);
    return {
      prompt: `${'<image>'.repeat(images.length)}${prompt}`,
      rows,
      rowsPerImage,
      images: images.length,
      imageSize: config.vision.imageSize,
    };
  }

  async #answer(
    pooled: PooledContext,
    logits: Float32Array,
    request: DescribeRequest,
    hooks: AnswerHooks,
  ): Promise<Answer> {
    const { signal, giveWay } = hooks;
    const { embeddings, prompts, config, contextLimit } = this.#parts;
    if (request.choices) {
      const scored = await scoreChoices(
        pooled,
        logits,
        request.choices.map((text) => ({ text, tokenIds: this.#answerIds(text) })),
        embeddings,
        { signal, giveWay },
      );
      const best = scored.reduce((a, b) => (b.probability > a.probability ? b : a));
      return {
        text: best.text,
        tokenIds: best.tokenIds,
        finishReason: 'choice',
        confidence: best.probability,
        choices: scored.map(({ text, probability, logProbability }) => ({
          text,
          probability,
          logProbability,
        })),
      };
    }
    const { temperature, topP, seed, stop, jsonSchema, answer: options = {} } = request;
    const { topLogprobs, topK, minP, mayBeEmpty } = options;
    const keepStart = options.continues === true || options.raw === true;
    const room = Math.min(request.maxNewTokens ?? defaultMaxNewTokens, contextLimit - pooled.keys.length);
    const constraint = jsonSchema && this.#constraint(jsonSchema, room);
    const answer = await generate(pooled, logits, embeddings, {
      ...defined({ temperature, topP, topK, minP, seed, stop, constraint, mayBeEmpty }),
      ...(topLogprobs !== undefined && {
        logprobs: new TokenLogprobs(topLogprobs, (id) => this.#bytesOf(id), keepStart),
      }),
      adjustment: new LogitAdjustment(options),
      keepStart,
      maxNewTokens: room,
      stopIds: config.eosTokenIds,
      stream: new TokenStream(prompts.tokenizer),
      signal,
      giveWay,
      onText: hooks.onToken,
      onToken: (done, total) => hooks.onProgress({ phase: 'decode', done, total }),
    });
    return constraint ? { ...answer, json: JSON.parse(answer.text) } : answer;
  }

  #constraint(schema: AnswerSchema, room: number): JsonConstraint {
    this.#pieces ??= this.#parts.prompts.tokenizer.pieces();
    this.#trie ??= new TokenTrie(this.#pieces);
    return new JsonConstraint(schema, this.#trie, this.#parts.config.eosTokenIds, room);
  }

  /** Bytes of a token; of a control token those of its name. */
  #bytesOf(id: number): Uint8Array {
    const { tokenizer } = this.#parts.prompts;
    this.#pieces ??= tokenizer.pieces();
    return this.#pieces[id] ?? Buffer.from(tokenizer.controlTokenText(id) ?? '');
  }

  /** As the model writes an answer after `Assistant:`: a space, the words, the end-of-turn token. */
  #answerIds(text: string): number[] {
    const { prompts, config } = this.#parts;
    const [end] = config.eosTokenIds;
    if (end === undefined) {
      throw new SmolvlmError(
        'caption-choices',
        'the model does not name an end-of-turn token, so choices cannot be scored',
      );
    }
    return [...prompts.tokenizer.encodePieces([{ text: ` ${text.trim()}`, plain: true }]), end];
  }
}
