import type sharp from 'sharp';
import { ImageError } from '../picture/image-error';

let loaded: Promise<typeof sharp> | undefined;

/** Loads sharp for the first picture. @throws ImageError `image-library` with the loader's own advice */
export function sharpLibrary(): Promise<typeof sharp> {
  loaded ??= import('sharp').then(
    (module) => module.default,
    (cause: unknown) => {
      loaded = undefined;
      throw new ImageError(
        'image-library',
        `sharp, which decodes pictures, cannot be loaded: ${String(cause)}`,
        {
          hint: 'Install the package again on this machine: npm install --include=optional sharp',
          cause,
        },
      );
    },
  );
  return loaded;
}
