import { join } from 'node:path';
import type { InferenceSession, Tensor as OnnxTensor } from 'onnxruntime-node';
import { SmolvlmError } from '../../errors';
import type { BundleDecoder } from '../../model/bundle/bundle-manifest';
import type { TextConfig } from '../../model/checkpoint/model-config';
import type { DecoderContext, DecoderRunner } from '../decoder-runner';
import { KvCache } from './kv-cache';
import { loadOnnxRuntime, type OnnxRuntime } from './onnxruntime-loader';
import { type SessionSettings, sessionOptions } from './session-options';

/** Prefill in pieces of this many rows bounds the memory of a long prompt and allows it to be cancelled. */
const prefillRows = 256;

/** Added to a score that must not count: far below any score, but finite. */
const masked = -1e30;

export interface OnnxDecoderSettings extends SessionSettings {
  /** Longest context in tokens; default: that of the model's training. */
  readonly contextLimit?: number;
}

/** The decoder on the CPU; one session, any number of contexts. */
export class OnnxDecoderRunner implements DecoderRunner {
  readonly name = 'onnxruntime';
  readonly vocabularySize: number;
  readonly width: number;
  readonly contextLimit: number;
  readonly #runtime: OnnxRuntime;
  readonly #session: InferenceSession;
  readonly #text: TextConfig;
  readonly #caches = new WeakMap<DecoderContext, KvCache>();
  #running: Promise<unknown> = Promise.resolve();

  private constructor(
    runtime: OnnxRuntime,
    session: InferenceSession,
    text: TextConfig,
    contextLimit: number,
  ) {
    this.#runtime = runtime;
    this.#session = session;
    this.#text = text;
    this.vocabularySize = text.vocabularySize;
    this.width = text.hiddenSize;
    this.contextLimit = contextLimit;
  }

  /** @throws SmolvlmError `decoder-load`; OnnxRuntimeLoadError when onnxruntime-node is not there */
  static async open(
    bundleDir: string,
    decoder: BundleDecoder,
    text: TextConfig,
    settings: OnnxDecoderSettings = {},
  ): Promise<OnnxDecoderRunner> {
    const runtime = await loadOnnxRuntime();
    const path = join(bundleDir, decoder.files[0]?.path ?? '');
    try {
      const session = await runtime.InferenceSession.create(path, sessionOptions(settings, true));
      const limit = Math.min(settings.contextLimit ?? text.maxPositionEmbeddings, text.maxPositionEmbeddings);
      return new OnnxDecoderRunner(runtime, session, text, limit);
    } catch (cause) {
      throw new SmolvlmError('decoder-load', `onnxruntime cannot load the decoder ${path}`, {
        hint: 'Prepare the bundle again; its files may come from another version of this package.',
        cause,
      });
    }
  }

  /** Computes a step over one context, fetches only these outputs and discards them: for measurements. */
  async probe(context: DecoderContext, rows: Float32Array, outputs: readonly string[]): Promise<void> {
    const cache = this.#caches.get(context);
    if (cache) await this.#session.run(this.#feeds(cache, rows, rows.length / this.width, false), outputs);
  }

  createContext(): DecoderContext {
    const { layers, kvHeads, headDim } = this.#text;
    const cache = new KvCache({ layers, kvHeads, headDim });
    const context: DecoderContext = {
      get length() {
        return cache.length;
      },
      get sizeBytes() {
        return cache.sizeBytes;
      },
      truncate: (length) => cache.truncate(length),
      append: (rows, logits = 'last') => this.#append(cache, rows, logits),
      close: () => cache.truncate(0),
    };
    this.#caches.set(context, cache);
    return context;
  }

  async close(): Promise<void> {
    await this.#running;
    await this.#session.release();
  }

  async #append(cache: KvCache, rows: Float32Array, logits: 'last' | 'all' | 'none'): Promise<Float32Array> {
    const count = rows.length / this.width;
    if (!Number.isInteger(count) || count === 0) {
      throw new SmolvlmError(
        'decoder-rows',
        `expected one or more rows of ${this.width} values, received ${rows.length} values`,
      );
    }
    if (cache.length + count > this.contextLimit) {
      throw new SmolvlmError(
        'decoder-context',
        `${cache.length} tokens and ${count} more exceed the context of ${this.contextLimit}`,
        { hint: 'Request fewer new tokens, shorten the prompt, or raise the context length.' },
      );
    }
    const parts: Float32Array[] = [];
    for (let begin = 0; begin < count; begin += prefillRows) {
      const end = Math.min(count, begin + prefillRows);
      const piece = rows.subarray(begin * this.width, end * this.width);
      const part = await this.#step(cache, piece, end - begin, logits === 'all');
      if (logits === 'all' || end === count) parts.push(part);
    }
    if (logits === 'none') return new Float32Array();
    return parts.length === 1 ? (parts[0] as Float32Array) : joined(parts);
  }

  /** @returns logits of the last row, or of every row */
  async #step(cache: KvCache, rows: Float32Array, count: number, all: boolean): Promise<Float32Array> {
    const run = this.#session.run(this.#feeds(cache, rows, count, all));
    this.#running = run.catch(() => undefined);
    const outputs = await run;
    const [logits, newRows] = this.#session.outputNames.map((name) => outputs[name]?.data);
    if (!(logits instanceof Float32Array) || !(newRows instanceof Float32Array)) {
      throw new SmolvlmError('decoder-output', 'the decoder did not return float32 logits and keys');
    }
    cache.append(newRows, count);
    return logits;
  }

  #feeds(cache: KvCache, rows: Float32Array, count: number, all: boolean): Record<string, OnnxTensor> {
    const { Tensor } = this.#runtime;
    const { layers, kvHeads, headDim, hiddenSize } = this.#text;
    const { length, capacity } = cache;
    const logitRows = all ? range(0, count) : range(count - 1, count);
    const feeds: Record<string, OnnxTensor> = {
      rows: new Tensor('float32', rows, [1, count, hiddenSize]),
      positions: new Tensor('int64', range(length, length + count), [1, count]),
      mask: new Tensor('float32', scoreMask(length, capacity, count), [count, capacity + count]),
      split: new Tensor('int64', BigInt64Array.of(BigInt(capacity), BigInt(count)), [2]),
      logit_rows: new Tensor('int64', logitRows, [logitRows.length]),
    };
    for (let layer = 0; layer < layers; layer++) {
      feeds[`past_key_${layer}`] = new Tensor('float32', cache.buffer(2 * layer), [
        kvHeads,
        1,
        headDim,
        capacity,
      ]);
      feeds[`past_value_${layer}`] = new Tensor('float32', cache.buffer(2 * layer + 1), [
        kvHeads,
        1,
        capacity,
        headDim,
      ]);
    }
    return feeds;
  }
}

/**
 * The attention mask, added to the scores: new token t attends to the cached tokens and the new ones up to itself, not to the
 * unused part of the cache. @returns [count, capacity + count]
 */
function scoreMask(length: number, capacity: number, count: number): Float32Array {
  const width = capacity + count;
  const mask = new Float32Array(count * width);
  for (let row = 0; row < count; row++) {
    mask.fill(masked, row * width + length, row * width + capacity);
    mask.fill(masked, row * width + capacity + row + 1, (row + 1) * width);
  }
  return mask;
}

function range(begin: number, end: number): BigInt64Array {
  return BigInt64Array.from({ length: end - begin }, (_, index) => BigInt(begin + index));
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
