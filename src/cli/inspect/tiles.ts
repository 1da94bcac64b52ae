import { rename, rm } from 'node:fs/promises';
import { decodePicture } from '../../image/decode-picture';
import { sharpLibrary } from '../../image/sharp-library';
import { prepareTiles } from '../../image/tiles';
import { readModelConfigs } from '../../model/checkpoint/checkpoint';
import { readPicture } from '../../picture/picture-source';
import { type Command, requiredString } from '../command/command';
import { checkOutputFile } from '../command/output-file';
import { detailOption } from './detail-option';
import { modelFolder } from './model-folder';

/** `smolvlm inspect tiles`: a picture as the model's input. */
export const command: Command = {
  summary: "Write a picture's tiles as one 8-bit PNG, stacked top to bottom, the global tile last",
  usage: 'inspect tiles --model M --image F --out F.png [--detail low|full]',
  options: {
    model: { type: 'string' },
    image: { type: 'string' },
    out: { type: 'string' },
    detail: { type: 'string' },
  },
  async run(values, _positionals, io) {
    const { imageProcessor } = await readModelConfigs(await modelFolder(values));
    const detail = detailOption(values, imageProcessor);
    const out = requiredString(values, 'out');
    await checkOutputFile('--out', out);
    const picture = await decodePicture(
      await readPicture(requiredString(values, 'image'), undefined, io.signal),
    );
    const { images, rows, cols, tiles } = prepareTiles(picture, imageProcessor, detail);
    const side = imageProcessor.maxImageSize;
    await writePng(Buffer.concat(images.map(({ data }) => data)), side, side * images.length, out);
    io.result({ tiles, rows, cols, tile_size: side, out }, `${tiles} tiles of ${side}×${side} in ${out}`);
    return 0;
  },
};

/** The file gets its name when it is complete. */
async function writePng(data: Buffer, width: number, height: number, out: string): Promise<void> {
  const sharp = await sharpLibrary();
  const partial = `${out}.partial`;
  try {
    await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(partial);
    await rename(partial, out);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
