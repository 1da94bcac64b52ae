import { hostTensors } from '../model/bundle/host-tensors';
import type { TensorSource } from '../model/safetensors/tensor-source';

/** The decoder's rows for text tokens, read from the file one token at a time: the whole table is never in memory. */
export class TokenEmbeddings {
  readonly width: number;
  readonly #host: TensorSource;
  readonly #known = new Map<number, Float32Array>();

  /** @param host owned by the caller; must stay open */
  constructor(host: TensorSource) {
    this.#host = host;
    this.width = host.shape(hostTensors.tokenEmbeddings)[1] ?? 0;
  }

  /** @returns [width] float32, shared: do not write into it */
  async row(id: number): Promise<Float32Array> {
    const known = this.#known.get(id);
    if (known) return known;
    const row = await this.#host.readRows(hostTensors.tokenEmbeddings, id, id + 1);
    // A few thousand words cover most captions; 4,096 rows of 576 values are 9 MB.
    if (this.#known.size >= 4096) this.#known.clear();
    this.#known.set(id, row);
    return row;
  }

  /** @returns [ids, width] float32 */
  async rows(ids: readonly number[]): Promise<Float32Array> {
    const rows = new Float32Array(ids.length * this.width);
    for (const [index, id] of ids.entries()) rows.set(await this.row(id), index * this.width);
    return rows;
  }
}
