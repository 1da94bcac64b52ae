import { firstPart } from '../../picture/camera/multipart-part';
import { sharpLibrary } from '../sharp-library';

/** Pixels of a 4K camera's frame, 3840 × 2160. */
const cameraPixels = 3840 * 2160;

/** Whether a picture is larger than any camera's video frame, by its header; false for bytes that cannot be read. */
export async function isLargePicture(bytes: Uint8Array): Promise<boolean> {
  const sharp = await sharpLibrary();
  try {
    const { width, height } = await sharp(firstPart(bytes), { limitInputPixels: false }).metadata();
    return width * height > cameraPixels;
  } catch {
    // Decoding it says what is wrong.
    return false;
  }
}
