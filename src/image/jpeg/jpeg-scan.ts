import { type HuffmanTable, type JpegComponent, type JpegFrame, jpegMarker } from './jpeg-header';

/** A component of a scan with its tables. */
export interface ScanComponent {
  readonly component: JpegComponent;
  readonly dc: HuffmanTable;
  readonly ac: HuffmanTable;
}

/** A sequential scan as its Huffman codes describe it. */
export interface ScanReading {
  /** Where its data ends. Undefined if a part of it is missing or damaged. */
  readonly end: number | undefined;
  readonly mcus: number;
  /** MCUs that a decoder cannot have: from a fault to the next restart marker that can be used. */
  readonly lost: number;
  /** The data is not only cut off: a code is in no table, or another marker than an end follows. */
  readonly isDamaged: boolean;
}

/**
 * Reads a sequential scan by decoding its Huffman codes (ITU-T T.81, F.2.2), and finds what is missing in it: a decoder
 * fills that with grey or with what came before, and says nothing else about it. Wrong restart markers are
 * followed as libjpeg does (`jpeg_resync_to_restart`).
 * @param start of the data, after the scan header @param restartInterval in MCUs, 0 for none
 */
export function readScan(
  bytes: Uint8Array,
  start: number,
  frame: JpegFrame,
  scan: readonly ScanComponent[],
  restartInterval: number,
): ScanReading {
  const blocks = mcuBlocks(scan);
  const mcus = mcuCount(frame, scan);
  const interval = restartInterval > 0 ? restartInterval : mcus;
  const reader = new BitReader(bytes, start);
  let [mcu, lost, isWhole, isCutOff] = [0, 0, true, true];
  while (mcu < mcus) {
    const until = Math.min(mcus, mcu + interval);
    while (mcu < until && skipMcu(reader, blocks)) mcu++;
    if (mcu < until && !reader.isAtEnd) isCutOff = false;
    lost += until - mcu;
    mcu = until;
    if (mcu >= mcus) break;
    const expected = (mcu / interval - 1) % 8;
    if (lost === 0 && isWhole && reader.takeMarker(0xd0 + expected)) continue;
    isWhole = false;
    const ahead = reader.resync(expected);
    if (ahead !== 0 && !reader.isAtEnd) isCutOff = false;
    const skipped = Math.min(mcus - mcu, ahead === undefined ? mcus : ahead * interval);
    lost += skipped;
    mcu += skipped;
  }
  const { hasBadCode } = reader;
  const end = lost === 0 && isWhole && !hasBadCode ? reader.end() : undefined;
  return { end, mcus, lost, isDamaged: hasBadCode || !isCutOff };
}

function skipMcu(reader: BitReader, blocks: readonly ScanComponent[]): boolean {
  for (const { dc, ac } of blocks) if (!skipBlock(reader, dc, ac)) return false;
  return true;
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

/** A code that no table has counts as 0, as in libjpeg: often the next ones are right again. */
function skipBlock(reader: BitReader, dc: HuffmanTable, ac: HuffmanTable): boolean {
  const dcSize = reader.symbol(dc);
  if (dcSize > 16) reader.hasBadCode = true;
  reader.skip(Math.min(16, dcSize));
  for (let index = 1; index < 64; index++) {
    const symbol = reader.symbol(ac);
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
  /** A code was met that no table has. */
  hasBadCode = false;
  /** Zero bits at the low end that stand for missing data. */
  #missing = 0;

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes;
    this.#at = start;
  }

  get overrun(): boolean {
    return this.#count < this.#missing;
  }

  /** The bytes end here, the picture ends, or another one begins. */
  get isAtEnd(): boolean {
    const code = this.#bytes[this.#at + 1];
    return (
      code === undefined ||
      (this.#bytes[this.#at] === 0xff && (code === jpegMarker.eoi || code === jpegMarker.soi))
    );
  }

  symbol(table: HuffmanTable): number {
    this.#fill();
    const entry = table[(this.#bits >>> (this.#count - 16)) & 0xffff] as number;
    this.#count -= entry === 0 ? 17 : entry >> 8;
    if (entry === 0 && !this.overrun) this.hasBadCode = true;
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
    this.#continueAt(at + 2);
    return true;
  }

  /**
   * Goes on behind a restart marker, wherever the next one is.
   * @param expected 0 to 7 @returns how many intervals are missing before it; undefined if none can be used
   */
  resync(expected: number): number | undefined {
    for (let at = this.#at; at + 1 < this.#bytes.length; at++) {
      if (this.#bytes[at] !== 0xff) continue;
      const code = this.#bytes[at + 1] ?? 0;
      // Reserved ones below are not markers for the decoder, either.
      if (code < 0xc0 || code === 0xff) continue;
      const found = code - 0xd0;
      if (found < 0 || found > 7) return undefined;
      const ahead = (found - expected + 8) % 8;
      this.#continueAt(at + 2);
      // The two before are late ones: the decoder looks for the next. Others are taken for the one expected.
      if (ahead < 6) return ahead <= 2 ? ahead : 0;
    }
    return undefined;
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

  #continueAt(at: number): void {
    this.#at = at;
    this.#bits = 0;
    this.#count = 0;
    this.#missing = 0;
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
