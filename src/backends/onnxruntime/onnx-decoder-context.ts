import type { TextConfig } from '../../model/checkpoint/model-config';
import type { DecoderContext } from '../decoder-runner';
import type { Binding, BoundSession } from './bound-session';
import { KvCache } from './kv-cache';

/** Computes at most this many rows at once, which bounds the memory of a long prompt. */
const prefillRows = 256;

/** The graph's inputs and outputs for a number of rows. */
interface Step {
  readonly binding: Binding;
  readonly rows: Float32Array;
  /** Index of the last token, then the number of tokens in the context after the step. */
  readonly lastIndex: Int32Array;
  readonly total: Int32Array;
  readonly logits: Float32Array;
}

/** One sequence of the decoder: its KV cache, and the memory of a decode step, which is bound once. */
export class OnnxDecoderContext implements DecoderContext {
  readonly #session: BoundSession;
  readonly #text: TextConfig;
  readonly #cache: KvCache;
  readonly #checkRows: (count: number, length: number) => void;
  #oneRow: Step | undefined;

  /** @param checkRows throws when so many more rows cannot be appended */
  constructor(
    session: BoundSession,
    text: TextConfig,
    checkRows: (count: number, length: number) => void,
    cache = new KvCache(text),
  ) {
    this.#session = session;
    this.#text = text;
    this.#checkRows = checkRows;
    this.#cache = cache;
  }

  get length(): number {
    return this.#cache.length;
  }

  get sizeBytes(): number {
    return this.#cache.sizeBytes;
  }

  truncate(length: number): void {
    this.#cache.truncate(length);
  }

  fork(length: number): DecoderContext {
    return new OnnxDecoderContext(this.#session, this.#text, this.#checkRows, this.#cache.fork(length));
  }

  reserve(tokens: number): void {
    if (!this.#cache.reserve(tokens)) return;
    this.#oneRow?.binding.close();
    this.#oneRow = undefined;
  }

  async append(rows: Float32Array, logits: 'last' | 'all' | 'none' = 'last'): Promise<Float32Array> {
    const { hiddenSize, vocabularySize } = this.#text;
    const count = rows.length / hiddenSize;
    this.#checkRows(count, this.length);
    this.reserve(count);
    const result = new Float32Array(logits === 'all' ? count * vocabularySize : vocabularySize);
    for (let begin = 0; begin < count; begin += prefillRows) {
      const end = Math.min(count, begin + prefillRows);
      const piece = rows.subarray(begin * hiddenSize, end * hiddenSize);
      const part = await this.#compute(piece, end - begin, logits === 'all');
      if (logits === 'all') result.set(part, begin * vocabularySize);
      else if (end === count && logits === 'last') result.set(part);
    }
    return logits === 'none' ? new Float32Array() : result;
  }

  close(): void {
    this.truncate(0);
    this.#oneRow?.binding.close();
    this.#oneRow = undefined;
  }

  /** @returns logits of the last row, or of every row; valid until the next step */
  async #compute(rows: Float32Array, count: number, all: boolean): Promise<Float32Array> {
    if (count === 1) this.#oneRow ??= this.#bind(1, true);
    const step = (count === 1 && this.#oneRow) || this.#bind(count, all);
    try {
      const total = this.length + count;
      step.rows.set(rows);
      step.lastIndex[0] = total - 1;
      step.total[0] = total;
      await step.binding.run();
      this.#cache.extend(count);
      return step.logits;
    } finally {
      if (step !== this.#oneRow) step.binding.close();
    }
  }

  #bind(count: number, all: boolean): Step {
    const { hiddenSize, vocabularySize } = this.#text;
    const logitRows = all ? Array.from({ length: count }, (_, row) => row) : [count - 1];
    const rows = new Float32Array(count * hiddenSize);
    const [lastIndex, total] = [new Int32Array(1), new Int32Array(1)];
    const logits = new Float32Array(logitRows.length * vocabularySize);
    const cached = (kind: 'past' | 'present') =>
      Object.fromEntries(
        this.#cache.tensors.map((tensor, index) => [
          `${kind}_${index % 2 === 0 ? 'key' : 'value'}_${Math.floor(index / 2)}`,
          tensor,
        ]),
      );
    const binding = this.#session.bind(
      {
        rows: { data: rows, shape: [1, count, hiddenSize] },
        last_index: { data: lastIndex, shape: [1] },
        total: { data: total, shape: [1] },
        logit_rows: { data: BigInt64Array.from(logitRows.map(BigInt)), shape: [logitRows.length] },
        ...cached('past'),
      },
      { logits: { data: logits, shape: [1, logitRows.length, vocabularySize] }, ...cached('present') },
    );
    return { binding, rows, lastIndex, total, logits };
  }
}
