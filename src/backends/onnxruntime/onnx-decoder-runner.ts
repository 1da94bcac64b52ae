import { join } from 'node:path';
import { SmolvlmError } from '../../errors';
import type { BundleDecoder } from '../../model/bundle/bundle-manifest';
import type { TextConfig } from '../../model/checkpoint/model-config';
import type { DecoderContext, DecoderRunner } from '../decoder-runner';
import type { BoundSession } from './bound-session';
import { OnnxDecoderContext } from './onnx-decoder-context';
import { OnnxRuntimeLoadError } from './onnxruntime-loader';
import { openBoundSession, type SessionDoor } from './open-bound-session';
import type { SessionSettings } from './session-options';

export interface OnnxDecoderSettings extends SessionSettings {
  /** Longest context in tokens; default: that of the model's training. */
  readonly contextLimit?: number;
  /** Default: the C API where it can be used. */
  readonly door?: SessionDoor;
}

/** The decoder on the CPU; one session, any number of contexts. */
export class OnnxDecoderRunner implements DecoderRunner {
  readonly name = 'onnxruntime';
  readonly vocabularySize: number;
  readonly width: number;
  readonly contextLimit: number;
  readonly #session: BoundSession;
  readonly #text: TextConfig;

  private constructor(session: BoundSession, text: TextConfig, contextLimit: number) {
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
    const path = join(bundleDir, decoder.files[0]?.path ?? '');
    let session: BoundSession | undefined;
    try {
      session = await openBoundSession(path, { ...settings, role: 'decoder' });
      const limit = Math.min(settings.contextLimit ?? text.maxPositionEmbeddings, text.maxPositionEmbeddings);
      const runner = new OnnxDecoderRunner(session, text, limit);
      await runner.#computeOnce();
      return runner;
    } catch (cause) {
      await session?.close();
      if (cause instanceof OnnxRuntimeLoadError) throw cause;
      throw new SmolvlmError('decoder-load', `onnxruntime cannot load the decoder ${path}`, {
        hint: 'Prepare the bundle again; its files may come from another version of this package.',
        cause,
      });
    }
  }

  createContext(): DecoderContext {
    return new OnnxDecoderContext(this.#session, this.#text, (count, length) =>
      this.#checkRows(count, length),
    );
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  /** Fails on a graph with other inputs or shapes, and allocates what the first step needs. */
  async #computeOnce(): Promise<void> {
    const context = this.createContext();
    try {
      await context.append(new Float32Array(this.width), 'none');
    } finally {
      context.close();
    }
  }

  #checkRows(count: number, length: number): void {
    if (!Number.isInteger(count) || count === 0) {
      throw new SmolvlmError(
        'decoder-rows',
        `expected one or more rows of ${this.width} values, received ${count * this.width} values`,
      );
    }
    if (length + count > this.contextLimit) {
      throw new SmolvlmError(
        'decoder-context',
        `${length} tokens and ${count} more exceed the context of ${this.contextLimit}`,
        { hint: 'Request fewer new tokens, shorten the prompt, or raise the context length.' },
      );
    }
  }
}
