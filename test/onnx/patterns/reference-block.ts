import {
  type MemoryTensors,
  seededValues,
  MemoryTensors as Tensors,
} from '../../model/safetensors/memory-tensors';

/** Sizes of one layer of a vision tower. */
export interface BlockShape {
  readonly tokens: number;
  readonly hidden: number;
  readonly heads: number;
  readonly intermediate: number;
}

const prefix = 'vision_model.encoder.layers.0';

/** Seeded weights of one layer, of the size that keeps a normalised row's products near 1. */
export function blockTensors({ hidden, intermediate }: BlockShape): MemoryTensors {
  const tensors = new Tensors();
  let seed = 1;
  const add = (name: string, shape: readonly number[], size: number, offset = 0): void => {
    const count = shape.reduce((product, length) => product * length, 1);
    const values = seededValues(count, seed++).map((value) => offset + value * size);
    tensors.add(`${prefix}.${name}`, shape, values);
  };
  for (const norm of ['layer_norm1', 'layer_norm2']) {
    add(`${norm}.weight`, [hidden], 0.3, 1);
    add(`${norm}.bias`, [hidden], 0.3);
  }
  const layer = (name: string, outs: number, inner: number): void => {
    add(`${name}.weight`, [outs, inner], 2 / Math.sqrt(inner));
    add(`${name}.bias`, [outs], 0.3);
  };
  for (const name of ['q_proj', 'k_proj', 'v_proj', 'out_proj']) layer(`self_attn.${name}`, hidden, hidden);
  layer('mlp.fc1', intermediate, hidden);
  layer('mlp.fc2', hidden, intermediate);
  return tensors;
}

type Rows = readonly Float64Array[];

/** A layer's halves in double precision, from the definitions: rows in, rows out, the stream unscaled. */
export class ReferenceBlock {
  constructor(
    readonly shape: BlockShape,
    readonly tensors: MemoryTensors,
    readonly eps: number,
    readonly activation: (x: number) => number,
  ) {}

  attention(stream: Rows): Rows {
    const { hidden, heads } = this.shape;
    const width = hidden / heads;
    const normal = this.norm(stream, 'layer_norm1');
    const [q, k, v] = ['q_proj', 'k_proj', 'v_proj'].map((name) =>
      this.linear(normal, `self_attn.${name}`, hidden),
    ) as [Rows, Rows, Rows];
    const mixed = q.map((query) => {
      const row = new Float64Array(hidden);
      for (let begin = 0; begin < hidden; begin += width) {
        const scores = k.map((key) => dot(query, key, begin, begin + width) / Math.sqrt(width));
        const largest = Math.max(...scores);
        const shares = scores.map((score) => Math.exp(score - largest));
        const sum = shares.reduce((total, share) => total + share, 0);
        for (const [index, share] of shares.entries()) {
          for (let c = begin; c < begin + width; c++) row[c]! += (share / sum) * v[index]![c]!;
        }
      }
      return row;
    });
    return added(stream, this.linear(mixed, 'self_attn.out_proj', hidden));
  }

  mlp(stream: Rows): Rows {
    const wide = this.linear(this.norm(stream, 'layer_norm2'), 'mlp.fc1', this.shape.intermediate);
    const active = wide.map((row) => row.map(this.activation));
    return added(stream, this.linear(active, 'mlp.fc2', this.shape.hidden));
  }

  private norm(rows: Rows, name: string): Rows {
    const [weight, bias] = [this.values(`${name}.weight`), this.values(`${name}.bias`)];
    return rows.map((row) => {
      const mean = row.reduce((sum, x) => sum + x, 0) / row.length;
      const variance = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / row.length;
      return row.map((x, c) => ((x - mean) / Math.sqrt(variance + this.eps)) * weight[c]! + bias[c]!);
    });
  }

  private linear(rows: Rows, name: string, outs: number): Rows {
    const [weight, bias] = [this.values(`${name}.weight`), this.values(`${name}.bias`)];
    return rows.map((row) =>
      Float64Array.from({ length: outs }, (_, out) => {
        let sum = bias[out]!;
        for (let c = 0; c < row.length; c++) sum += row[c]! * weight[out * row.length + c]!;
        return sum;
      }),
    );
  }

  private values(name: string): Float32Array {
    return this.tensors.values(`${prefix}.${name}`);
  }
}

/** [rows, hidden] as rows. */
export function rowsOf(values: Float32Array, hidden: number): Rows {
  return Array.from({ length: values.length / hidden }, (_, row) =>
    Float64Array.from(values.subarray(row * hidden, (row + 1) * hidden)),
  );
}

/** Rows as one float32 array, each value times `scale`. */
export function flat(rows: Rows, scale = 1): Float32Array {
  return Float32Array.from(rows.flatMap((row) => [...row].map((value) => value * scale)));
}

function dot(a: Float64Array, b: Float64Array, begin: number, end: number): number {
  let sum = 0;
  for (let c = begin; c < end; c++) sum += a[c]! * b[c]!;
  return sum;
}

function added(a: Rows, b: Rows): Rows {
  return a.map((row, index) => row.map((x, c) => x + b[index]![c]!));
}
