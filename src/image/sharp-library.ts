import type sharp from 'sharp';
import { ImageError } from '../picture/image-error';

let loaded: Promise<typeof sharp> | undefined;

/** Loads sharp for the first picture. @throws ImageError `image-library` with the loader's own advice */
export function sharpLibrary(): Promise<typeof sharp> {
  loaded ??= load().catch((cause: unknown) => {
    loaded = undefined;
    throw new ImageError(
      'image-library',
      `sharp, which decodes pictures, cannot be loaded: ${String(cause)}`,
      {
        hint: 'Install the package again on this machine: npm install --include=optional sharp',
        cause,
      },
    );
  });
  return loaded;
}

/** Not by `import()`: sharp's ES module uses import attributes, which Node.js has since 20.10. */
async function load(): Promise<typeof sharp> {
  return require('sharp');
}
