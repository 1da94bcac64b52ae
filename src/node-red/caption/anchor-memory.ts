/** A frame that later ones are compared with. */
export interface Anchor {
  readonly picture: Uint8Array;
  /** ISO 8601. */
  readonly capturedAt: string;
  /** What the model said of it, and to which prompt: not asked again. */
  caption?: { readonly prompt: string; readonly text: string };
}

export interface AnchorLimits {
  readonly cameras: number;
  readonly sizeBytes: number;
}

/** A frame a camera for a house, and less than one large photograph for each. */
const defaultLimits: AnchorLimits = { cameras: 64, sizeBytes: 64 * 1024 * 1024 };

/** One anchor a camera, in memory only; the camera that was silent for longest is forgotten first. */
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

  /** Keeps it in place of the camera's last one; a picture larger than all that may be kept is not. */
  set(camera: string, anchor: Anchor): void {
    this.#forget(camera);
    this.#anchors.set(camera, anchor);
    this.#sizeBytes += anchor.picture.byteLength;
    for (const oldest of this.#anchors.keys()) {
      if (this.#anchors.size <= this.#limits.cameras && this.#sizeBytes <= this.#limits.sizeBytes) break;
      this.#forget(oldest);
    }
  }

  clear(): void {
    this.#anchors.clear();
    this.#sizeBytes = 0;
  }

  #forget(camera: string): void {
    this.#sizeBytes -= this.#anchors.get(camera)?.picture.byteLength ?? 0;
    this.#anchors.delete(camera);
  }
}
