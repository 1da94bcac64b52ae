/** NAL unit types of sequence parameter sets: H.264 (ITU-T H.264, table 7-1) and H.265 (H.265, table 7-1). */
const isSequence = (head: number): boolean =>
  (head & 0x1f) === 7 && (head & 0x80) === 0 ? true : head === 0x42;

const longest = 512;
const startCode = Buffer.from([0, 0, 1]);

/** Finds a change of the video's format in its bytes, which arrive in pieces (Annex B). */
export class ParameterSets {
  #rest = Buffer.alloc(0);
  /** By the first byte, which differs between H.264 and H.265. */
  readonly #known = new Map<number, Buffer>();

  /** Whether a sequence parameter set differs from the one before it. */
  changedIn(chunk: Uint8Array): boolean {
    const bytes = Buffer.concat([this.#rest, chunk]);
    let changed = false;
    let begin = bytes.indexOf(startCode);
    this.#rest = Buffer.from(bytes.subarray(-2));
    while (begin >= 0) {
      const end = bytes.indexOf(startCode, begin + 3);
      const head = bytes[begin + 3] ?? 0;
      if (isSequence(head)) {
        if (end < 0 && bytes.length - begin < longest) this.#rest = Buffer.from(bytes.subarray(begin));
        else
          changed =
            this.#differs(
              head,
              bytes.subarray(begin + 3, Math.min(end < 0 ? begin + longest : end, begin + longest)),
            ) || changed;
      }
      begin = end;
    }
    return changed;
  }

  #differs(head: number, unit: Buffer): boolean {
    // Zeros before the next start code belong to that.
    let length = unit.length;
    while (length > 0 && unit[length - 1] === 0) length--;
    const set = Buffer.from(unit.subarray(0, length));
    const before = this.#known.get(head);
    this.#known.set(head, set);
    return before !== undefined && !before.equals(set);
  }
}
