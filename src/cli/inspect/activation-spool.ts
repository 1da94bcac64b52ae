import { createReadStream } from 'node:fs';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TensorToWrite, writeSafetensors } from '../../model/safetensors/safetensors-writer';
import { Mutex } from '../../system/async/mutex';

/**
 * Collects activations tile by tile on disk, since they take 80 MB per tile for SmolVLM-256M, and
 * writes them as one safetensors file of [tiles, tokens, width] tensors.
 */
export class ActivationSpool {
  readonly #dir: string;
  readonly #widths = new Map<string, { readonly elements: number; tiles: number }>();
  readonly #files = new Mutex();
  #failure: unknown;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  static async create(): Promise<ActivationSpool> {
    return new ActivationSpool(await mkdtemp(join(tmpdir(), 'smolvlm-activations-')));
  }

  /** Adds one tile's activation; each name's tiles must be added in order. */
  add(name: string, values: Float32Array): void {
    const known = this.#widths.get(name) ?? { elements: values.length, tiles: 0 };
    known.tiles++;
    this.#widths.set(name, known);
    const bytes = Uint8Array.from(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    void this.#files
      .run(() => appendFile(join(this.#dir, name), bytes))
      .catch((error: unknown) => {
        this.#failure ??= error;
      });
  }

  /** @param tokens rows of an activation, by its name */
  async write(path: string, tokens: (name: string) => number): Promise<readonly string[]> {
    await this.#appended();
    if (this.#failure !== undefined) throw this.#failure;
    const tensors = [...this.#widths].map(([name, { elements, tiles }]): TensorToWrite => {
      const rows = tokens(name);
      return {
        name,
        dtype: 'F32',
        shape: [tiles, rows, elements / rows],
        data: () => createReadStream(join(this.#dir, name), { highWaterMark: 2 ** 20 }),
      };
    });
    await writeSafetensors(path, tensors);
    return tensors.map(({ name }) => name);
  }

  /** Waits until all that was added is on disk, or has failed. */
  #appended(): Promise<void> {
    return this.#files.run(() => {});
  }

  async close(): Promise<void> {
    await this.#appended();
    await rm(this.#dir, { recursive: true, force: true });
  }
}
