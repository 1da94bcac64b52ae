import {
  frameHeader,
  type HuffmanCode,
  type HuffmanTable,
  huffmanCodes,
  isFrameMarker,
  type JpegFrame,
  jpegMarker,
  type ScanHeader,
  scanHeader,
} from './jpeg-header';
import { readScan, type ScanComponent } from './jpeg-scan';

const isApplication = (code: number): boolean => code >= 0xe0 && code <= 0xef;

export interface PlainJpeg {
  readonly bytes: Uint8Array;
  /** The end of progressive scans is not checked: bytes that are not part of the picture may follow them. */
  readonly progressive: boolean;
}

/**
 * Copies what a JPEG's pixels need, and nothing else: JFIF without its thumbnail, Adobe's colour transform, tables
 * that are used, frame, scans. Comments, other application segments, bytes between segments, after a scan or after
 * the picture (a second picture, a trailer) are left out. The pixels stay exactly the same.
 * @returns undefined for an unusual JPEG, which must then be encoded again
 */
export function plainJpeg(bytes: Uint8Array): PlainJpeg | undefined {
  try {
    return new JpegCopy(bytes).run();
  } catch (error) {
    if (error instanceof UnusualJpeg) return undefined;
    throw error;
  }
}

class UnusualJpeg extends Error {}

function expect(condition: boolean): asserts condition {
  if (!condition) throw new UnusualJpeg();
}

/** A table, and whether a scan has used it since it was defined. */
interface QuantTable {
  used: boolean;
}

interface DefinedHuffman {
  used: boolean;
  readonly code: HuffmanCode;
}

class JpegCopy {
  readonly #bytes: Uint8Array;
  readonly #kept: Uint8Array[] = [];
  readonly #quant = new Map<number, QuantTable>();
  /** By class × 16 + id, as in the segment. */
  readonly #huffman = new Map<number, DefinedHuffman>();
  #at = 0;
  #frame: JpegFrame | undefined;
  #restartInterval = 0;
  /** Defined since the last scan. */
  #restartPending = false;
  /** Ids of the components that a sequential scan has had. */
  readonly #scanned = new Set<number>();
  #scans = 0;
  #hasJfif = false;
  #hasAdobe = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  run(): PlainJpeg {
    expect(this.#bytes[0] === 0xff && this.#bytes[1] === jpegMarker.soi);
    this.#kept.push(this.#bytes.subarray(0, 2));
    this.#at = 2;
    for (let code = this.#nextMarker(); code !== jpegMarker.eoi; code = this.#nextMarker()) {
      const start = this.#at;
      const end = start + (((this.#bytes[start] ?? 0) << 8) | (this.#bytes[start + 1] ?? 0));
      expect(end >= start + 2 && end <= this.#bytes.length);
      this.#at = end;
      this.#segment(code, this.#bytes.subarray(start + 2, end));
    }
    expect(this.#frame !== undefined && this.#scans > 0 && !this.#restartPending);
    expect([...this.#quant.values(), ...this.#huffman.values()].every(({ used }) => used));
    this.#kept.push(Uint8Array.of(0xff, jpegMarker.eoi));
    return { bytes: Buffer.concat(this.#kept), progressive: this.#frame.progressive };
  }

  /** Before the first scan a marker follows directly; after a scan other bytes are skipped, as decoders do. */
  #nextMarker(): number {
    const bytes = this.#bytes;
    for (;;) {
      while (this.#scans > 0 && this.#at < bytes.length && bytes[this.#at] !== 0xff) this.#at++;
      // Some cameras leave out the end of the image; decoders add it.
      if (this.#scans > 0 && this.#at >= bytes.length) return jpegMarker.eoi;
      expect(bytes[this.#at] === 0xff);
      while (bytes[this.#at] === 0xff) this.#at++;
      const code = bytes[this.#at++];
      if (code === undefined && this.#scans > 0) return jpegMarker.eoi;
      expect(code !== undefined && (code !== 0 || this.#scans > 0));
      if (code !== 0) return code;
    }
  }

  #segment(code: number, data: Uint8Array): void {
    if (code === jpegMarker.com) return;
    if (isApplication(code)) {
      this.#application(code, data);
    } else if (code === jpegMarker.sos) {
      this.#scan(data);
    } else {
      if (code === jpegMarker.dqt) this.#quantTables(data);
      else if (code === jpegMarker.dht) this.#huffmanTables(data);
      else if (code === jpegMarker.dri) this.#restart(data);
      else if (isFrameMarker(code)) this.#frameHeader(code, data);
      else throw new UnusualJpeg();
      this.#keep(code, data);
    }
  }

  #keep(code: number, data: Uint8Array): void {
    const length = data.length + 2;
    this.#kept.push(Uint8Array.of(0xff, code, length >> 8, length & 0xff), data);
  }

  #application(code: number, data: Uint8Array): void {
    const name = Buffer.from(data.subarray(0, 5)).toString('latin1');
    if (code === 0xe0 && name === 'JFIF\0' && data.length >= 14 && !this.#hasJfif) {
      this.#hasJfif = true;
      // Version, units and density; a thumbnail of 0 × 0.
      this.#keep(code, Uint8Array.of(...data.subarray(0, 12), 0, 0));
    } else if (code === 0xee && name === 'Adobe' && data.length >= 12) {
      expect(!this.#hasAdobe);
      this.#hasAdobe = true;
      this.#keep(code, data.subarray(0, 12));
    }
  }

  #quantTables(data: Uint8Array): void {
    let at = 0;
    while (at < data.length) {
      const head = data[at] as number;
      expect(head >> 4 <= 1 && (head & 15) < 4);
      expect(!this.#quant.has(head & 15));
      this.#quant.set(head & 15, { used: false });
      at += 1 + 64 * ((head >> 4) + 1);
    }
    expect(at === data.length);
  }

  #huffmanTables(data: Uint8Array): void {
    const codes = huffmanCodes(data);
    expect(codes !== undefined);
    for (const { key, code } of codes) {
      // A table that is defined again before any scan used it could carry anything.
      expect(this.#huffman.get(key)?.used !== false);
      this.#huffman.set(key, { used: false, code });
    }
  }

  #restart(data: Uint8Array): void {
    expect(data.length === 2 && !this.#restartPending);
    this.#restartPending = true;
    this.#restartInterval = ((data[0] as number) << 8) | (data[1] as number);
  }

  #frameHeader(code: number, data: Uint8Array): void {
    expect(this.#frame === undefined);
    this.#frame = frameHeader(code, data);
    expect(this.#frame !== undefined);
  }

  #scan(data: Uint8Array): void {
    const frame = this.#frame;
    expect(frame !== undefined);
    const header = scanHeader(data, frame);
    expect(header !== undefined);
    const scan = header.components.map((each) => this.#scanComponent(each, frame, header));
    this.#keep(jpegMarker.sos, data);
    this.#scans++;
    this.#restartPending = false;
    const start = this.#at;
    if (frame.progressive) {
      this.#at = nextScanMarker(this.#bytes, start);
    } else {
      const { first, last, high, low } = header;
      expect(first === 0 && last === 63 && high === 0 && low === 0);
      const components = scan.map(({ component, dc, ac }): ScanComponent => {
        // A second scan of a component would be a second picture.
        expect(dc !== undefined && ac !== undefined && !this.#scanned.has(component.id));
        this.#scanned.add(component.id);
        return { component, dc, ac };
      });
      const { end } = readScan(this.#bytes, start, frame, components, this.#restartInterval);
      expect(end !== undefined);
      this.#at = end;
    }
    this.#kept.push(this.#bytes.subarray(start, this.#at));
  }

  #scanComponent(
    { component, dc, ac }: ScanHeader['components'][number],
    { progressive }: JpegFrame,
    { first, high }: ScanHeader,
  ) {
    const quant = this.#quant.get(component.quantTable);
    expect(quant !== undefined);
    quant.used = true;
    // A progressive scan has either DC or AC codes; one that refines DC has none.
    const needsDc = progressive ? first === 0 && high === 0 : true;
    const needsAc = progressive ? first > 0 : true;
    return {
      component,
      dc: needsDc ? this.#useHuffman(dc) : undefined,
      ac: needsAc ? this.#useHuffman(ac) : undefined,
    };
  }

  #useHuffman(key: number): HuffmanTable {
    const defined = this.#huffman.get(key);
    expect(defined !== undefined);
    defined.used = true;
    return defined.code.table;
  }
}

/** The next marker that is not a restart. */
function nextScanMarker(bytes: Uint8Array, start: number): number {
  for (let at = start; at < bytes.length; at++) {
    if (bytes[at] !== 0xff) continue;
    const code = bytes[at + 1];
    if (code !== undefined && code !== 0 && !(code >= 0xd0 && code <= 0xd7)) return at;
  }
  return bytes.length;
}
