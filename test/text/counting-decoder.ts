import type { DecoderContext, DecoderRunner } from '../../src/backends/decoder-runner';

/**
 * A decoder of one-value rows that can be followed by hand: after rows r₁ … rₙ the likeliest next token is
 * (Σ r) mod vocabulary, by `margin` logits. It counts its computations.
 */
export class CountingDecoder implements DecoderRunner {
  readonly name = 'counting';
  readonly width = 1;
  readonly contextLimit = 1000;
  appendedRows = 0;
  openContexts = 0;
  /** Tokens that contexts grew to; a context grows when it has no room. */
  readonly growths: number[] = [];

  constructor(
    readonly vocabularySize = 10,
    readonly margin = 3,
  ) {}

  createContext(rows: number[] = []): DecoderContext {
    this.openContexts += 1;
    let capacity = rows.length;
    const reserve = (tokens: number): void => {
      if (rows.length + tokens <= capacity) return;
      capacity = rows.length + tokens;
      this.growths.push(capacity);
    };
    return {
      get length() {
        return rows.length;
      },
      get sizeBytes() {
        return rows.length * 4;
      },
      truncate: (length) => {
        rows.length = Math.min(rows.length, length);
      },
      reserve,
      append: async (added, logits = 'last') => {
        reserve(added.length);
        this.appendedRows += added.length;
        const all = Array.from(added, (row) => {
          rows.push(row);
          return this.#logits(rows);
        });
        if (logits === 'none') return new Float32Array();
        return logits === 'last'
          ? (all.at(-1) as Float32Array)
          : Float32Array.from(all.flatMap((each) => [...each]));
      },
      fork: (length) => this.createContext(rows.slice(0, length)),
      close: () => {
        this.openContexts -= 1;
      },
    };
  }

  async close(): Promise<void> {}

  #logits(rows: readonly number[]): Float32Array {
    const next = rows.reduce((sum, row) => sum + row, 0) % this.vocabularySize;
    return Float32Array.from({ length: this.vocabularySize }, (_, id) => (id === next ? this.margin : 0));
  }
}
