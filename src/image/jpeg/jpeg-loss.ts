import {
  frameHeader,
  huffmanCodes,
  isFrameMarker,
  type JpegFrame,
  jpegMarker,
  type ScanHeader,
  scanHeader,
} from './jpeg-header';
import { readScan, type ScanComponent } from './jpeg-scan';
import { standardTables } from './standard-tables';

/** What a JPEG's data lacks. */
export interface JpegLoss {
  /** Of the picture, 0 to 1; undefined for a progressive one, whose scans are not read. */
  readonly share: number | undefined;
  /** A component, or the scans that would make the picture sharp, are missing. */
  readonly lacksScans: boolean;
  /** Some of the data is damaged: it is not only missing. */
  readonly isDamaged: boolean;
}

/** Of a coefficient that no scan has sent. */
const unsent = 255;

/**
 * What is missing in a JPEG that has an end marker: cameras whose buffer is too small write one behind half of the
 * data, and a decoder makes the rest grey.
 * @returns undefined for a JPEG of another kind (arithmetic codes, 12 bits), of which nothing is known
 */
export function jpegLoss(bytes: Uint8Array): JpegLoss | undefined {
  const reader = new LossReader(bytes);
  return reader.read() ? reader.loss() : undefined;
}

/** Whether a progressive JPEG ends before the scans that make it sharp; a decoder says nothing about that. */
export function lacksScans(bytes: Uint8Array): boolean {
  const reader = new LossReader(bytes, true);
  return reader.read() && (reader.loss()?.lacksScans ?? false);
}

class LossReader {
  readonly #bytes: Buffer;
  readonly #onlyProgressive: boolean;
  readonly #codes = standardTables();
  #frame: JpegFrame | undefined;
  #restartInterval = 0;
  /** By component, the lowest bit that a scan has sent of each coefficient. */
  readonly #precision = new Map<number, Uint8Array>();
  #mcus = 0;
  #lost = 0;
  #isDamaged = false;

  /** @param onlyProgressive a sequential JPEG is not read */
  constructor({ buffer, byteOffset, byteLength }: Uint8Array, onlyProgressive = false) {
    this.#bytes = Buffer.from(buffer, byteOffset, byteLength);
    this.#onlyProgressive = onlyProgressive;
  }

  /** @returns false for a JPEG of which nothing is known */
  read(): boolean {
    for (let at = this.#nextMarker(2); at !== undefined; ) {
      const code = this.#bytes[at + 1] ?? 0;
      if (code === jpegMarker.eoi || code === jpegMarker.soi) break;
      if (at + 4 > this.#bytes.length) break;
      const end = at + 2 + this.#bytes.readUInt16BE(at + 2);
      // Behind a scan it may be damaged data that looks like a marker.
      if (!this.#segment(code, this.#bytes.subarray(at + 4, end), end)) return this.#precision.size > 0;
      at = this.#nextMarker(end);
    }
    return this.#frame !== undefined;
  }

  loss(): JpegLoss | undefined {
    if (!this.#frame) return undefined;
    const { components, progressive } = this.#frame;
    const lacksScans = components.some(({ id }) => {
      const bits = this.#precision.get(id);
      return !bits || bits.some((lowest) => lowest > 0);
    });
    const share = this.#lost / Math.max(1, this.#mcus);
    return { share: progressive ? undefined : share, lacksScans, isDamaged: this.#isDamaged };
  }

  /** Where the next marker that is not a restart begins. */
  #nextMarker(from: number): number | undefined {
    for (let at = this.#bytes.indexOf(0xff, from); at >= 0; at = this.#bytes.indexOf(0xff, at + 1)) {
      const code = this.#bytes[at + 1] ?? 0;
      if (code !== 0 && code !== 0xff && !(code >= 0xd0 && code <= 0xd7)) return at;
    }
    return undefined;
  }

  /** @returns false if this kind of JPEG is not read here */
  #segment(code: number, data: Buffer, end: number): boolean {
    if (code === jpegMarker.sos) return this.#scan(data, end);
    if (code === jpegMarker.dri && data.length === 2) this.#restartInterval = data.readUInt16BE(0);
    else if (code === jpegMarker.dht) return this.#define(huffmanCodes(data));
    else if (isFrameMarker(code)) {
      this.#frame = frameHeader(code, data);
      return this.#frame !== undefined && (this.#frame.progressive || !this.#onlyProgressive);
    }
    return code < 0xc0 || code > 0xcf || code === jpegMarker.dht;
  }

  #define(codes: ReturnType<typeof huffmanCodes>): boolean {
    for (const { key, code } of codes ?? []) this.#codes.set(key, code);
    return codes !== undefined;
  }

  #scan(data: Buffer, start: number): boolean {
    const header = this.#frame && scanHeader(data, this.#frame);
    if (!this.#frame || !header) return false;
    const isRepeated = header.components.some(({ component }) => this.#precision.has(component.id));
    this.#note(header, this.#frame);
    if (this.#frame.progressive) return true;
    // A second scan of a component would be a second picture.
    if (isRepeated) return false;
    const scan: ScanComponent[] = [];
    for (const { component, dc, ac } of header.components) {
      const codes = { dc: this.#codes.get(dc), ac: this.#codes.get(ac) };
      if (!codes.dc || !codes.ac) return false;
      scan.push({ component, dc: codes.dc.table, ac: codes.ac.table });
    }
    const { mcus, lost, isDamaged } = readScan(this.#bytes, start, this.#frame, scan, this.#restartInterval);
    this.#mcus += mcus;
    this.#lost += lost;
    this.#isDamaged ||= isDamaged;
    return true;
  }

  #note({ components, first, last, high, low }: ScanHeader, { progressive }: JpegFrame): void {
    for (const { component } of components) {
      const bits = this.#precision.get(component.id) ?? new Uint8Array(64).fill(unsent);
      this.#precision.set(component.id, bits);
      // Some cameras write other numbers into a sequential scan, which always has everything.
      if (!progressive) bits.fill(0);
      else
        bits.forEach((bit, index) => {
          // A scan refines what the one before it left off; otherwise that one is missing.
          const isNext = bit === (high === 0 ? unsent : high);
          if (index >= first && index <= last && isNext) bits[index] = low;
        });
    }
  }
}
