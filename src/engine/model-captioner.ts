import { SmolvlmError } from '../errors';
import { pixelValues } from '../image/pixel-values';
import { prepareTiles, tileGrid } from '../image/tiles';
import type { ImageProcessorConfig } from '../model/image-processor-config';
import type { ModelConfig } from '../model/model-config';
import { type Prompt, type PromptBuilder, questionMessages } from '../prompt/prompt-builder';
import { TokenStream } from '../prompt/token-stream';
import type { DescribeRequest, Detail } from '../protocol/describe-request';
import type { ContextPool, PooledContext } from '../text/context-pool';
import { embedPrompt, type PromptImage } from '../text/embed-prompt';
import { generate } from '../text/generate';
import { prefill } from '../text/prefill';
import { scoreChoices } from '../text/score-choices';
import type { TokenEmbeddings } from '../text/token-embeddings';
import type { TileEncoder } from '../vision/vision-tower';
import { FeatureCache } from './feature-cache';
import type { Caption, Captioner, InferenceHooks } from './inference';
import { type PreparedPicture, preparePictures, requestHash } from './prepare-pictures';

/** Long enough for a few sentences. */
export const defaultMaxNewTokens = 128;

/** What a loaded model is made of. */
export interface ModelParts {
  readonly model: string;
  readonly backend: string;
  readonly config: ModelConfig;
  readonly imageProcessor: ImageProcessorConfig;
  readonly prompts: PromptBuilder;
  readonly tower: TileEncoder;
  /** Stages a tile. */
  readonly stages: number;
  readonly contexts: ContextPool;
  readonly contextLimit: number;
  readonly embeddings: TokenEmbeddings;
  readonly weightBytes: number;
  close(): Promise<void>;
}

/** From pictures and a question to an answer, with one loaded model. */
export class ModelCaptioner implements Captioner {
  readonly #parts: ModelParts;
  readonly #features = new FeatureCache();

  constructor(parts: ModelParts) {
    this.#parts = parts;
  }

  get backend(): string {
    return this.#parts.backend;
  }

  get memoryBytes(): number {
    return this.#parts.weightBytes + this.#features.sizeBytes + this.#parts.contexts.sizeBytes;
  }

  async describe(
    pictures: readonly Uint8Array[],
    request: DescribeRequest,
    hooks: InferenceHooks,
  ): Promise<Caption> {
    const watch = new Stopwatch();
    const { detail = 'low' } = request;
    const prepared = await preparePictures(pictures, request);
    hooks.signal.throwIfAborted();
    const prompt = this.#prompt(prepared, request, detail);
    watch.lap('image');
    const { images, tiles, cached } = await this.#images(prepared, detail, hooks, watch);
    const rows = await embedPrompt(
      prompt.inputIds,
      this.#parts.config.imageTokenId,
      images,
      this.#parts.embeddings,
    );
    const pooled = this.#parts.contexts.take(rows.keys);
    try {
      const { signal, onProgress } = hooks;
      const logits = await prefill(pooled, rows, {
        signal,
        onProgress: (done, total) => onProgress({ phase: 'prefill', done, total }),
      });
      watch.lap('prefill');
      const answer = await this.#answer(pooled, logits, request, hooks);
      watch.lap('decode');
      return {
        ...answer,
        promptTokens: prompt.inputIds.length,
        tiles,
        timingsMs: watch.timings(),
        model: this.#parts.model,
        backend: this.#parts.backend,
        cached,
        frameHash: requestHash(prepared),
        prompt: request.prompt ?? prompt.chat,
      };
    } finally {
      this.#parts.contexts.give(pooled);
    }
  }

  close(): Promise<void> {
    return this.#parts.close();
  }

  #prompt(prepared: readonly PreparedPicture[], request: DescribeRequest, detail: Detail): Prompt {
    const { prompts, imageProcessor, contextLimit } = this.#parts;
    const messages = request.messages ?? questionMessages(request.prompt ?? '', prepared.length);
    const grids = prepared.map(({ image }) => tileGrid(image.width, image.height, imageProcessor, detail));
    return prompts.build(messages, grids, { contextLimit });
  }

  /** Image rows of each picture, from the cache where its pixels were seen before. */
  async #images(
    prepared: readonly PreparedPicture[],
    detail: Detail,
    hooks: InferenceHooks,
    watch: Stopwatch,
  ): Promise<{ images: PromptImage[]; tiles: number; cached: boolean }> {
    const { imageProcessor, tower } = this.#parts;
    const images: PromptImage[] = [];
    let tiles = 0;
    let cached = prepared.length > 0;
    for (const { image, hash } of prepared) {
      const key = `${hash}-${detail}`;
      tiles += tileGrid(image.width, image.height, imageProcessor, detail).tiles;
      let found = this.#features.get(key);
      if (!found) {
        cached = false;
        const pixels = prepareTiles(image, imageProcessor, detail).images.map(
          (tile) => () => pixelValues(tile, imageProcessor),
        );
        watch.lap('image');
        const { rows } = await tower.encode(pixels, {
          signal: hooks.signal,
          onProgress: ({ done, total, stage }) => hooks.onProgress({ phase: 'vision', done, total, stage }),
        });
        watch.lap('vision');
        found = { key, rows };
        this.#features.add(found);
      }
      images.push(found);
    }
    return { images, tiles, cached };
  }

  async #answer(
    pooled: PooledContext,
    logits: Float32Array,
    request: DescribeRequest,
    hooks: InferenceHooks,
  ): Promise<Pick<Caption, 'text' | 'tokenIds' | 'finishReason' | 'confidence' | 'choices'>> {
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
    const { maxNewTokens = defaultMaxNewTokens, temperature, topP, seed, stop } = request;
    return generate(pooled, logits, embeddings, {
      ...(temperature !== undefined && { temperature }),
      ...(topP !== undefined && { topP }),
      ...(seed !== undefined && { seed }),
      ...(stop !== undefined && { stop }),
      maxNewTokens: Math.min(maxNewTokens, contextLimit - pooled.keys.length),
      stopIds: config.eosTokenIds,
      stream: new TokenStream(prompts.tokenizer),
      signal: hooks.signal,
      onText: hooks.onToken,
      onToken: (done, total) => hooks.onProgress({ phase: 'decode', done, total }),
    });
  }

  /** As the model writes an answer after `Assistant:`: a space, the words, the end of the turn. */
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

type Lap = 'image' | 'vision' | 'prefill' | 'decode';

/** Adds up the time of each part. */
class Stopwatch {
  readonly #started = performance.now();
  readonly #laps = { image: 0, vision: 0, prefill: 0, decode: 0 };
  #last = this.#started;

  /** Counts the time since the last lap to this part. */
  lap(part: Lap): void {
    const now = performance.now();
    this.#laps[part] += now - this.#last;
    this.#last = now;
  }

  timings(): Caption['timingsMs'] {
    const rounded = (ms: number): number => Math.round(ms * 10) / 10;
    const { image, vision, prefill: prefillMs, decode } = this.#laps;
    return {
      image: rounded(image),
      vision: rounded(vision),
      prefill: rounded(prefillMs),
      decode: rounded(decode),
      total: rounded(performance.now() - this.#started),
    };
  }
}
