import { mostCameras } from './topic-names';

/** The last picture of each camera, for requests without one. Above its limits it drops the oldest pictures. */
export class PictureMemory {
  readonly #pictures = new Map<string, Uint8Array>();
  readonly #limitBytes: number;
  readonly #limit: number;
  #sizeBytes = 0;

  constructor(limitBytes = 64 * 1024 * 1024, limit = mostCameras) {
    this.#limitBytes = limitBytes;
    this.#limit = limit;
  }

  get(camera: string): Uint8Array | undefined {
    return this.#pictures.get(camera);
  }

  set(camera: string, picture: Uint8Array): void {
    this.#delete(camera);
    this.#pictures.set(camera, picture);
    this.#sizeBytes += picture.byteLength;
    for (const oldest of this.#pictures.keys()) {
      if (this.#sizeBytes <= this.#limitBytes && this.#pictures.size <= this.#limit) break;
      this.#delete(oldest);
    }
  }

  #delete(camera: string): void {
    this.#sizeBytes -= this.#pictures.get(camera)?.byteLength ?? 0;
    this.#pictures.delete(camera);
  }
}
