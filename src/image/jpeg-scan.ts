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

/** For the next 16 bits: the code's length × 256 + its symbol; 0 where no code matches. */
export type HuffmanTable = Uint16Array;

/** A component of a scan with its tables. */
export interface ScanComponent {
  readonly component: JpegComponent;
  readonly dc: HuffmanTable;
  readonly ac: HuffmanTable;
}

/** @param counts how many codes there are of each length, 1 to 16 @returns undefined for counts that are not a code */
export function huffmanTable(counts: Uint8Array, symbols: Uint8Array): HuffmanTable | undefined {
  const table = new Uint16Array(1 << 16);
  let code = 0;
  let next = 0;
  for (let length = 1; length <= 16; length++) {
    for (let index = 0; index < (counts[length - 1] ?? 0); index++, code++, next++) {
      if (code >= 1 << length) return undefined;
      const first = code << (16 - length);
      table.fill(length * 256 + (symbols[next] ?? 0), first, first + (1 << (16 - length)));
    }
    code <<= 1;
  }
  return table;
}

/**
 * Finds where the entropy-coded data of a baseline scan ends, by decoding its Huffman codes (ITU-T T.81, F.2.2):
 * anything between there and the next marker does not belong to the picture.
 * @param start of the data, after the scan header @param restartInterval in MCUs, 0 for none
 * @returns undefined for data that is damaged or ends early
 */
export function baselineScanEnd(
  bytes: Uint8Array,
  start: number,
  frame: JpegFrame,
  scan: readonly ScanComponent[],
  restartInterval: number,
): number | undefined {
  const blocks = mcuBlocks(scan);
  const mcus = mcuCount(frame, scan);
  const reader = new BitReader(bytes, start);
  for (let mcu = 0; mcu < mcus; mcu++) {
    if (restartInterval > 0 && mcu > 0 && mcu % restartInterval === 0) {
      const marker = 0xd0 + ((mcu / restartInterval - 1) % 8);
      if (!reader.takeMarker(marker)) return undefined;
    }
    for (const { dc, ac } of blocks) {
      if (!skipBlock(reader, dc, ac)) return undefined;
    }
  }
  return reader.end();
}

function mcuBlocks(scan: readonly ScanComponent[]): readonly ScanComponent[] {
  if (scan.length === 1) return scan;
  return scan.flatMap((each) => Array.from({ length: each.component.h * each.component.v }, () => each));
}

/** A scan of one component counts its own blocks; one of several counts blocks of the largest sampling (A.2). */
function mcuCount({ width, height, components }: JpegFrame, scan: readonly ScanComponent[]): number {
  const mostH = Math.max(...components.map(({ h }) => h));
  const mostV = Math.max(...components.map(({ v }) => v));
  const [only, ...others] = scan;
  if (!only || others.length > 0) return Math.ceil(width / (8 * mostH)) * Math.ceil(height / (8 * mostV));
  const { h, v } = only.component;
  return Math.ceil((width * h) / mostH / 8) * Math.ceil((height * v) / mostV / 8);
}

function skipBlock(reader: BitReader, dc: HuffmanTable, ac: HuffmanTable): boolean {
  const dcSize = reader.symbol(dc);
  if (dcSize < 0 || dcSize > 16) return false;
  reader.skip(dcSize);
  for (let index = 1; index < 64; index++) {
    const symbol = reader.symbol(ac);
    if (symbol < 0) return false;
    const size = symbol & 15;
    const run = symbol >> 4;
    if (size === 0 && run < 15) break;
    index += run;
    reader.skip(size);
  }
  return !reader.overrun;
}

/** Bits of entropy-coded data: a byte FF is followed by 00, and a marker ends it. */
class BitReader {
  readonly #bytes: Uint8Array;
  #at: number;
  /** The low `#count` bits have not been read yet. */
  #bits = 0;
  #count = 0;
  /** Zero bits at the low end that stand for missing data. */
  #missing = 0;

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes;
    this.#at = start;
  }

  get overrun(): boolean {
    return this.#count < this.#missing;
  }

  /** @returns −1 when no code matches */
  symbol(table: HuffmanTable): number {
    this.#fill();
    const entry = table[(this.#bits >>> (this.#count - 16)) & 0xffff] as number;
    if (entry === 0) return -1;
    this.#count -= entry >> 8;
    return entry & 0xff;
  }

  /** @param bits at most 16 */
  skip(bits: number): void {
    this.#fill();
    this.#count -= bits;
  }

  /** Takes a marker that follows here directly. */
  takeMarker(marker: number): boolean {
    const at = this.end();
    if (at === undefined || this.#bytes[at] !== 0xff || this.#bytes[at + 1] !== marker) return false;
    this.#at = at + 2;
    this.#bits = 0;
    this.#count = 0;
    this.#missing = 0;
    return true;
  }

  /** @returns the position after the byte that the last bit came from */
  end(): number | undefined {
    if (this.overrun) return undefined;
    let at = this.#at;
    for (let unread = (this.#count - this.#missing) >> 3; unread > 0; unread--) {
      at -= this.#bytes[at - 1] === 0 && this.#bytes[at - 2] === 0xff ? 2 : 1;
    }
    return at;
  }

  /** At least 16 bits; zeros after the data's end. */
  #fill(): void {
    while (this.#count <= 16) {
      const byte = this.#bytes[this.#at];
      const ends = byte === undefined || (byte === 0xff && this.#bytes[this.#at + 1] !== 0);
      this.#bits = (this.#bits << 8) | (ends ? 0 : byte);
      this.#count += 8;
      if (ends) this.#missing += 8;
      else this.#at += byte === 0xff ? 2 : 1;
    }
  }
}
