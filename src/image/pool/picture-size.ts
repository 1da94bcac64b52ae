import { pictureWithin } from '../../picture/picture-bytes';
import { largestFramePixels } from '../../picture/picture-dimensions';
import { sharpLibrary } from '../sharp-library';

/** Whether a picture is larger than any camera's video frame, by its header; false for bytes that cannot be read. */
export async function isLargePicture(bytes: Uint8Array): Promise<boolean> {
  const sharp = await sharpLibrary();
  try {
    const { width, height } = await sharp(pictureWithin(bytes), { limitInputPixels: false }).metadata();
    return width * height > largestFramePixels;
  } catch {
    // Decoding it says what is wrong.
    return false;
  }
}
