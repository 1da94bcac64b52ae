/** A component of the frame header: its id, sampling factors and quantisation table. */
export interface JpegComponent {
  readonly id: number;
  readonly h: number;
  readonly v: number;
  readonly quantTable: number;
}

export interface JpegFrame {
  readonly width: number;
  readonly height: number;
  readonly progressive: boolean;
  readonly components: readonly JpegComponent[];
}

/** Codes of markers, after their byte FF (ITU-T T.81, table B.1). */
export const jpegMarker = {
  dht: 0xc4,
  soi: 0xd8,
  eoi: 0xd9,
  sos: 0xda,
  dqt: 0xdb,
  dri: 0xdd,
  com: 0xfe,
} as const;

/** Baseline, extended sequential, progressive; all with Huffman codes. */
const frameMarkers: readonly number[] = [0xc0, 0xc1, 0xc2];

export const isFrameMarker = (code: number): boolean => frameMarkers.includes(code);

/** @param data of the segment, after its length @returns undefined unless it has 8 bits a sample and a size */
export function frameHeader(code: number, data: Uint8Array): JpegFrame | undefined {
  const [precision = 0, y1 = 0, y0 = 0, x1 = 0, x0 = 0, count = 0] = data;
  if (precision !== 8 || data.length !== 6 + 3 * count) return undefined;
  const components = Array.from({ length: count }, (_, index): JpegComponent => {
    const [id = 0, sampling = 0, quantTable = 0] = data.subarray(6 + 3 * index);
    return { id, h: sampling >> 4, v: sampling & 15, quantTable };
  });
  if (!components.every(({ h, v }) => h >= 1 && h <= 4 && v >= 1 && v <= 4)) return undefined;
  const [width, height] = [(x1 << 8) | x0, (y1 << 8) | y0];
  if (width === 0 || height === 0 || count === 0) return undefined;
  return { width, height, components, progressive: code === 0xc2 };
}

/** For the next 16 bits: the code's length × 256 + its symbol; 0 where no code matches. */
export type HuffmanTable = Uint16Array;

function huffmanTable(counts: Uint8Array, symbols: Uint8Array): HuffmanTable {
  const table = new Uint16Array(1 << 16);
  let code = 0;
  let next = 0;
  for (let length = 1; length <= 16; length++) {
    for (let index = 0; index < (counts[length - 1] ?? 0); index++, code++, next++) {
      const first = code << (16 - length);
      table.fill(length * 256 + (symbols[next] ?? 0), first, first + (1 << (16 - length)));
    }
    code <<= 1;
  }
  return table;
}

/** A code as a segment defines it. Its table is made when a scan needs it: a JPEG can define thousands in vain. */
export class HuffmanCode {
  readonly #counts: Uint8Array;
  readonly #symbols: Uint8Array;
  #table: HuffmanTable | undefined;

  private constructor(counts: Uint8Array, symbols: Uint8Array) {
    this.#counts = counts;
    this.#symbols = symbols;
  }

  /** @param counts how many codes there are of each length, 1 to 16 @returns undefined for counts that are not a code */
  static of(counts: Uint8Array, symbols: Uint8Array): HuffmanCode | undefined {
    let left = 1;
    for (let length = 1; length <= 16; length++) {
      left = 2 * left - (counts[length - 1] ?? 0);
      if (left < 0) return undefined;
    }
    return new HuffmanCode(counts, symbols);
  }

  get table(): HuffmanTable {
    this.#table ??= huffmanTable(this.#counts, this.#symbols);
    return this.#table;
  }
}

export interface NamedCode {
  /** Class × 16 + id, as in the segment. */
  readonly key: number;
  readonly code: HuffmanCode;
}

/** The codes of a DHT segment. @param data after its length @returns undefined if it is damaged */
export function huffmanCodes(data: Uint8Array): readonly NamedCode[] | undefined {
  const codes: NamedCode[] = [];
  let at = 0;
  while (at < data.length) {
    const key = data[at] as number;
    const counts = data.subarray(at + 1, at + 17);
    const symbols = counts.reduce((sum, count) => sum + count, 0);
    const code = HuffmanCode.of(counts, data.subarray(at + 17, at + 17 + symbols));
    if (key >> 4 > 1 || (key & 15) > 3 || counts.length < 16 || !code) return undefined;
    codes.push({ key, code });
    at += 17 + symbols;
  }
  return at === data.length ? codes : undefined;
}

/** What a scan header says: components with their tables' ids, spectral selection and successive approximation. */
export interface ScanHeader {
  readonly components: readonly {
    readonly component: JpegComponent;
    readonly dc: number;
    readonly ac: number;
  }[];
  readonly first: number;
  readonly last: number;
  readonly high: number;
  readonly low: number;
}

/** @param data of the SOS segment, after its length @returns undefined if it does not fit the frame */
export function scanHeader(data: Uint8Array, frame: JpegFrame): ScanHeader | undefined {
  const [count = 0] = data;
  if (count < 1 || count > 4 || data.length !== 4 + 2 * count) return undefined;
  // Some cameras give every component the same id: then their order counts, as for libjpeg.
  const left = [...frame.components];
  const components = Array.from({ length: count }, (_, index) => {
    const [id, tables = 0] = data.subarray(1 + 2 * index);
    const found = left.findIndex((each) => each.id === id);
    const [component] = found < 0 ? [] : left.splice(found, 1);
    return component && { component, dc: tables >> 4, ac: 0x10 | (tables & 15) };
  }).filter((each) => each !== undefined);
  const [first = 0, last = 0, approximation = 0] = data.subarray(1 + 2 * count);
  if (components.length < count) return undefined;
  return { components, first, last, high: approximation >> 4, low: approximation & 15 };
}
