/** A frame that later ones are compared with. */
export interface Anchor {
  readonly picture: Uint8Array;
  /** ISO 8601. */
  readonly capturedAt: string;
  /** Its caption and the prompt, once it was described. */
  caption?: { readonly prompt: string; readonly text: string };
}

export interface AnchorLimits {
  readonly cameras: number;
  readonly sizeBytes: number;
}

/** One frame per camera of a house, at about 1 MB each. */
const defaultLimits: AnchorLimits = { cameras: 64, sizeBytes: 64 * 1024 * 1024 };

/** One anchor per camera, in memory only; the least recently used camera's is discarded first. */
export class AnchorMemory {
  readonly #limits: AnchorLimits;
  /** Least recently used first. */
  readonly #anchors = new Map<string, Anchor>();
  #sizeBytes = 0;

  constructor(limits: AnchorLimits = defaultLimits) {
    this.#limits = limits;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get(camera: string): Anchor | undefined {
    const anchor = this.#anchors.get(camera);
    if (anchor) {
      this.#anchors.delete(camera);
      this.#anchors.set(camera, anchor);
    }
    return anchor;
  }

  /** Replaces the camera's anchor; a picture above the limit of all anchors together is not kept. */
  set(camera: string, anchor: Anchor): void {
    this.#discard(camera);
    this.#anchors.set(camera, anchor);
    this.#sizeBytes += anchor.picture.byteLength;
    for (const oldest of this.#anchors.keys()) {
      if (this.#anchors.size <= this.#limits.cameras && this.#sizeBytes <= this.#limits.sizeBytes) break;
      this.#discard(oldest);
    }
  }

  clear(): void {
    this.#anchors.clear();
    this.#sizeBytes = 0;
  }

  #discard(camera: string): void {
    this.#sizeBytes -= this.#anchors.get(camera)?.picture.byteLength ?? 0;
    this.#anchors.delete(camera);
  }
}
