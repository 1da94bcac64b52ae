import type { ErrorBody } from '../errors';
import type { PicturePool } from '../image/pool/picture-pool';
import type { TileGrid } from '../image/tiles';
import type { ImageProcessorConfig } from '../model/checkpoint/image-processor-config';
import { askedLast, type Prompt, questionMessages } from '../prompt/prompt-builder';
import type { DescribeRequest, NpuSharing } from '../protocol/describe-request';
import { PriorityMutex } from '../system/async/priority-mutex';
import { defined } from '../system/defined';
import { AnswerWriter, type TextParts } from './answer-writer';
import { giveWay } from './give-way';
import type { Caption, Captioner, FeaturesAnswer, InferenceHooks } from './inference';
import type { PlacedTower } from './npu/open-tower';
import { PhaseTimer } from './phase-timer';
import { requestHash } from './vision/prepare-pictures';
import { VisionEncoder, type VisionEncoderOptions } from './vision/vision-encoder';

/** The parts of a loaded model. */
export interface ModelParts extends TextParts {
  readonly model: string;
  /** e.g. `onnxruntime int8`. */
  readonly textBackend: string;
  readonly vision: PlacedTower;
  /** Vision backend on the CPU, e.g. `onnxruntime int8`. */
  readonly cpuVision: string;
  readonly imageProcessor: ImageProcessorConfig;
  readonly pictures: PicturePool;
  readonly weightBytes: number;
  /** What this CPU computes wrongly, and what is used instead. */
  readonly arithmetic?: ErrorBody;
  close(): Promise<void>;
}

/** A loaded model: from pictures and a prompt to an answer. */
export class ModelCaptioner implements Captioner {
  readonly #parts: ModelParts;
  readonly #vision: VisionEncoder;
  readonly #answers: AnswerWriter;
  /** One answer is written at a time, while other frames are encoded; it gives way to one of higher priority. */
  readonly #text = new PriorityMutex();

  constructor(parts: ModelParts) {
    this.#parts = parts;
    this.#vision = new VisionEncoder(parts.vision, parts.imageProcessor, parts.pictures);
    this.#answers = new AnswerWriter(parts);
  }

  get backend(): string {
    const { vision, npuText } = this.#parts;
    return this.#backend(vision.fallback(), npuText !== undefined && !npuText.fallback);
  }

  get fallback(): ErrorBody | undefined {
    return this.#parts.vision.fallback() ?? this.#parts.npuText?.fallback;
  }

  get arithmetic(): ErrorBody | undefined {
    return this.#parts.arithmetic;
  }

  get npuSharedWith(): readonly string[] {
    return this.#parts.vision.sharedWith?.() ?? [];
  }

  get npuSharing(): NpuSharing | undefined {
    return this.#parts.vision.sharing;
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
    const timed = { ...hooks, timer };
    const recalled = request.features && this.#vision.recall(request.features);
    const options = encoderOptions(request);
    const prepared = recalled ? [] : await this.#vision.prepare(pictures, request, options, timed);
    const grids =
      recalled?.images.map(({ grid }) => grid) ??
      prepared.map((picture) => this.#vision.grid(picture, options.detail));
    const prompt = this.#prompt(grids, request);
    timer.end('image');
    const encoded = recalled ?? (await this.#vision.encode(prepared, options, timed));
    const answer = await this.#text.enter(
      (hold) =>
        this.#answers.write(prompt, encoded.images, request, {
          ...timed,
          giveWay: () => giveWay(timed, hold),
        }),
      request.priority,
      hooks.signal,
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
      ...defined({ thumbnail: prepared[0]?.thumbnail }),
      prompt: request.prompt ?? askedLast(request.messages ?? []) ?? prompt.chat,
    };
  }

  async encode(
    pictures: readonly Uint8Array[],
    request: DescribeRequest,
    hooks: InferenceHooks,
  ): Promise<FeaturesAnswer> {
    const timer = new PhaseTimer();
    const timed = { ...hooks, timer };
    const options = encoderOptions(request);
    const prepared = await this.#vision.prepare(pictures, request, options, timed);
    timer.end('image');
    const encoded = await this.#vision.encode(prepared, options, timed);
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
      ...defined({ thumbnail: prepared[0]?.thumbnail }),
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

  #prompt(grids: readonly TileGrid[], request: DescribeRequest): Prompt {
    const { prompts, contextLimit } = this.#parts;
    const messages = request.messages ?? questionMessages(request.prompt ?? '', grids.length);
    const { continues, raw } = request.answer ?? {};
    return prompts.build(messages, grids, { contextLimit, ...defined({ continues, raw }) });
  }
}

function encoderOptions({ detail = 'low', priority = 0 }: DescribeRequest): VisionEncoderOptions {
  return { detail, priority };
}
