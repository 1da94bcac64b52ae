import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The loops of `wasm/resample.ts`, and their memory. */
export interface ResampleModule {
  /** The whole memory. Read it anew after `reserve`, which may replace it. */
  readonly bytes: Uint8Array;
  /** Lays out areas of these sizes in bytes from the start of the memory. @returns their addresses, multiples of 16 */
  reserve<Sizes extends readonly number[]>(...sizes: Sizes): { [At in keyof Sizes]: number };
  addRows(input: number, stride: number, weights: number, pairs: number, output: number, bytes: number): void;
  addColumns(
    starts: number,
    stride: number,
    weights: number,
    quads: number,
    input: number,
    output: number,
    outputStride: number,
    pixels: number,
  ): void;
}

const pageBytes = 65536;

let loaded: ResampleModule | undefined;

/** The module of this thread: compiled once, its memory kept and used by one call at a time. */
export function loadResampleModule(): ResampleModule {
  loaded ??= instantiate();
  return loaded;
}

function instantiate(): ResampleModule {
  const module = new WebAssembly.Module(readFileSync(join(__dirname, 'resample.wasm')));
  const exports = new WebAssembly.Instance(module).exports as unknown as Pick<
    ResampleModule,
    'addRows' | 'addColumns'
  > & { readonly memory: WebAssembly.Memory };
  const { memory, addRows, addColumns } = exports;
  let bytes = new Uint8Array(memory.buffer);
  return {
    get bytes() {
      return bytes;
    },
    reserve<Sizes extends readonly number[]>(...sizes: Sizes) {
      let end = 0;
      const addresses = sizes.map((size) => {
        const address = end;
        end += Math.ceil(size / 16) * 16;
        return address;
      }) as { [At in keyof Sizes]: number };
      if (end > bytes.length) {
        memory.grow(Math.ceil((end - bytes.length) / pageBytes));
        bytes = new Uint8Array(memory.buffer);
      }
      return addresses;
    },
    addRows,
    addColumns,
  };
}
