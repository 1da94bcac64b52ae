import { pictureWithin } from '../../picture/picture-bytes';
import { largestFramePixels } from '../../picture/picture-dimensions';
import { recognisePicture } from '../recognise-picture';
import { sharpLibrary } from '../sharp-library';
import { asStill } from '../still-picture';

/** Whether a picture is larger than any camera's video frame, by its header; false for bytes that cannot be read. */
export async function isLargePicture(bytes: Uint8Array): Promise<boolean> {
  const sharp = await sharpLibrary();
  try {
    const picture = pictureWithin(bytes);
    const still = asStill(picture, recognisePicture(picture));
    const { width, height } = await sharp(still, { limitInputPixels: false }).metadata();
    return width * height > largestFramePixels;
  } catch {
    // Decoding it says what is wrong.
    return false;
  }
}
