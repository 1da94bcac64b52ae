import { largestFramePixels, pictureDimensions } from '../../picture/picture-dimensions';
import type { FrameOptions, PreparedFrame } from '../../picture/prepared-frame';
import { ImageChild, type ImageChildOptions } from './image-child';

/**
 * Prepares pictures in two separate processes, each started when it is needed and stopped when it is idle: one for pictures
 * up to the size of a 4K camera's frame, and one for larger pictures, so that a camera's frame never waits behind a large one.
 */
export class ImageChildren {
  readonly #frames: ImageChild;
  readonly #large: ImageChild;

  constructor(options: ImageChildOptions = {}) {
    this.#frames = new ImageChild(options);
    this.#large = new ImageChild(options);
  }

  /** @throws SmolvlmError as `ImageChild.prepare` */
  prepare(bytes: Uint8Array, options: FrameOptions = {}): Promise<PreparedFrame> {
    // A header that cannot be read is not large: decoding it says what is wrong.
    const { width, height } = pictureDimensions(bytes) ?? { width: 0, height: 0 };
    const child = width * height > largestFramePixels ? this.#large : this.#frames;
    return child.prepare(bytes, options);
  }

  /** Ends the processes; unanswered pictures fail. */
  close(): void {
    this.#frames.close();
    this.#large.close();
  }
}
