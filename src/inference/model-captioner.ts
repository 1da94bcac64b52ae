import { type ErrorBody, SmolvlmError } from '../errors';
import { thumbnail } from '../image/thumbnail';
import type { TileGrid } from '../image/tiles';
import type { ImageProcessorConfig } from '../model/checkpoint/image-processor-config';
import { imageTokensPerTile, type ModelConfig } from '../model/checkpoint/model-config';
import { type Prompt, type PromptBuilder, questionMessages } from '../prompt/prompt-builder';
import { TokenStream } from '../prompt/token-stream';
import type { AnswerSchema } from '../protocol/answer-schema';
import type { DescribeRequest } from '../protocol/describe-request';
import { defined } from '../system/defined';
import { PriorityMutex } from '../system/priority-mutex';
import { JsonConstraint } from '../text/constraint/json-constraint';
import { TokenTrie } from '../text/constraint/token-trie';
import type { ContextPool, PooledContext } from '../text/context-pool';
import { embedPrompt, type PromptImage } from '../text/embed-prompt';
import { generate } from '../text/generate';
import { LogitAdjustment } from '../text/logit-adjustment';
import { prefill } from '../text/prefill';
import { scoreChoices } from '../text/score-choices';
import type { TokenEmbeddings } from '../text/token-embeddings';
import { TokenLogprobs } from '../text/token-logprobs';
import type { Caption, Captioner, FeaturesAnswer, InferenceHooks } from './inference';
import type { NpuDecoder, NpuPictures } from './npu/npu-decoder';
import type { PlacedTower } from './npu/open-tower';
import { PhaseTimer } from './phase-timer';
import { type PreparedPicture, preparePictures, requestHash } from './prepare-pictures';
import { VisionEncoder, type VisionEncoderOptions } from './vision-encoder';

/** Enough for a few sentences. */
export const defaultMaxNewTokens = 128;

/** The parts of a loaded model. */
export interface ModelParts {
  readonly model: string;
  /** e.g. `onnxruntime int8`. */
  readonly textBackend: string;
  readonly vision: PlacedTower;
  /** Vision backend on the CPU, e.g. `onnxruntime int8`. */
  readonly cpuVision: string;
  /** The decoder on the NPU, where the bundle has one. */
  readonly npuText?: NpuDecoder;
  readonly config: ModelConfig;
  readonly imageProcessor: ImageProcessorConfig;
  readonly prompts: PromptBuilder;
  readonly contexts: ContextPool;
  readonly contextLimit: number;
  readonly embeddings: TokenEmbeddings;
  readonly weightBytes: number;
  close(): Promise<void>;
}

type Answer = Pick<
  Caption,
  'text' | 'json' | 'tokenIds' | 'finishReason' | 'confidence' | 'choices' | 'logprobs'
>;

/** A loaded model: from pictures and a prompt to an answer. */
export class ModelCaptioner implements Captioner {
  readonly #parts: ModelParts;
  readonly #vision: VisionEncoder;
  /** One answer is written at a time, while other frames are encoded. */
  readonly #text = new PriorityMutex();
  #trie: TokenTrie | undefined;
  #pieces: readonly (Uint8Array | undefined)[] | undefined;

  constructor(parts: ModelParts) {
    this.#parts = parts;
    this.#vision = new VisionEncoder(parts.vision, parts.imageProcessor);
  }

  get backend(): string {
    const { vision, npuText } = this.#parts;
    return this.#backend(vision.fallback(), npuText !== undefined && !npuText.fallback);
  }

  get fallback(): ErrorBody | undefined {
    return this.#parts.vision.fallback() ?? this.#parts.npuText?.fallback;
  }

  get npuSharedWith(): readonly string[] {
    return this.#parts.vision.sharedWith?.() ?? [];
  }

  /** With vision on the NPU: one per core, and one whose text is written on the CPU. NPU text needs the NPU alone. */
  get framesInFlight(): number {
    const { vision, npuText } = this.#parts;
    return vision.cores === 0 || npuText ? 1 : vision.cores + 1;
  }

  get memoryBytes(): number {
    return this.#parts.weightBytes + this.#vision.sizeBytes + this.#parts.contexts.sizeBytes;
  }

  async describe(
    pictures: readonly Uint8Array[],
    request: DescribeRequest,
    hooks: InferenceHooks,
  ): Promise<Caption> {
    const timer = new PhaseTimer();
    const recalled = request.features && this.#vision.recall(request.features);
    const prepared = recalled ? [] : await preparePictures(pictures, request);
    hooks.signal.throwIfAborted();
    const options = encoderOptions(request);
    const grids =
      recalled?.images.map(({ grid }) => grid) ??
      prepared.map((picture) => this.#vision.grid(picture, options.detail));
    const prompt = this.#prompt(grids, request);
    const small = await requestedThumbnail(prepared, request);
    timer.end('image');
    const encoded = recalled ?? (await this.#vision.encode(prepared, options, hooks, timer));
    const answer = await this.#text.enter(
      () => this.#answerTo(prompt, encoded.images, request, hooks, timer),
      request.priority,
    );
    const { fallback: textFallback, onNpu, ...words } = answer;
    const fallback = encoded.fallback ?? textFallback;
    return {
      ...words,
      promptTokens: prompt.inputIds.length,
      tiles: encoded.tiles,
      timingsMs: timer.timings(),
      ...defined({ vision: encoded.vision }),
      model: this.#parts.model,
      backend: this.#backend(encoded.fallback, onNpu),
      ...defined({ fallback }),
      cached: encoded.cached,
      frameHash: requestHash(encoded.images),
      ...small,
      prompt: request.prompt ?? prompt.chat,
    };
  }

  async encode(
    pictures: readonly Uint8Array[],
    request: DescribeRequest,
    hooks: InferenceHooks,
  ): Promise<FeaturesAnswer> {
    const timer = new PhaseTimer();
    const prepared = await preparePictures(pictures, request);
    hooks.signal.throwIfAborted();
    const small = await requestedThumbnail(prepared, request);
    timer.end('image');
    const encoded = await this.#vision.encode(prepared, encoderOptions(request), hooks, timer);
    const { vision: placed, cpuVision, model } = this.#parts;
    const { tiles, cached, vision, fallback } = encoded;
    const { image, vision: visionMs, total } = timer.timings();
    return {
      handles: this.#vision.hold(encoded),
      tiles,
      timingsMs: { image, vision: visionMs, total },
      ...defined({ vision }),
      model,
      backend: fallback ? cpuVision : (placed.npu ?? cpuVision),
      ...defined({ fallback }),
      cached,
      frameHash: requestHash(encoded.images),
      ...small,
    };
  }

  close(): Promise<void> {
    return this.#parts.close();
  }

  #backend(fallback: ErrorBody | undefined, textOnNpu: boolean): string {
    const { textBackend, vision } = this.#parts;
    const text = textOnNpu ? 'rkllm' : textBackend;
    if (vision.npu !== undefined && !fallback) return `${vision.npu} + ${text}`;
    return textOnNpu ? `onnxruntime + ${text}` : text;
  }

  /** Prefill and decode. */
  async #answerTo(
    prompt: Prompt,
    images: readonly PromptImage[],
    request: DescribeRequest,
    hooks: InferenceHooks,
    timer: PhaseTimer,
  ): Promise<Answer & { readonly onNpu: boolean; readonly fallback?: ErrorBody }> {
    timer.end('wait');
    hooks.signal.throwIfAborted();
    const { config, embeddings } = this.#parts;
    const rows = await embedPrompt(prompt.inputIds, config.imageTokenId, images, embeddings);
    const tried = await this.#answerOnNpu(prompt, rows.rows, images, request, hooks);
    if (tried && 'text' in tried) {
      timer.end('decode');
      return { ...tried, onNpu: true };
    }
    const pooled = this.#parts.contexts.take(rows.keys);
    try {
      const { signal, onProgress } = hooks;
      const logits = await prefill(pooled, rows, {
        signal,
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

  #prompt(grids: readonly TileGrid[], request: DescribeRequest): Prompt {
    const { prompts, contextLimit } = this.#parts;
    const messages = request.messages ?? questionMessages(request.prompt ?? '', grids.length);
    const { continues, raw } = request.answer ?? {};
    return prompts.build(messages, grids, { contextLimit, ...defined({ continues, raw }) });
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
    hooks: InferenceHooks,
  ): Promise<Answer> {
    const { embeddings, prompts, config, contextLimit } = this.#parts;
    if (request.choices) {
      const scored = await scoreChoices(
        pooled,
        logits,
        request.choices.map((text) => ({ text, tokenIds: this.#answerIds(text) })),
        embeddings,
        hooks.signal,
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
      signal: hooks.signal,
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
        'the model names no end-of-turn token, so choices cannot be scored',
      );
    }
    return [...prompts.tokenizer.encodePieces([{ text: ` ${text.trim()}`, plain: true }]), end];
  }
}

function encoderOptions({ detail = 'low', priority = 0 }: DescribeRequest): VisionEncoderOptions {
  return { detail, priority };
}

/** A small JPEG of the first picture, if the request has a `thumbnailSide`. */
async function requestedThumbnail(
  [first]: readonly PreparedPicture[],
  { thumbnailSide }: DescribeRequest,
): Promise<{ readonly thumbnail?: string }> {
  if (!first || !thumbnailSide) return {};
  return { thumbnail: (await thumbnail(first.image, thumbnailSide)).toString('base64') };
}
