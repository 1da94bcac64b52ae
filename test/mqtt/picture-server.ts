import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import sharp from 'sharp';

/** A camera whose snapshot a broker's limit does not keep from the service. */
export interface PictureServer {
  readonly url: URL;
  picture: Buffer;
  close(): Promise<void>;
}

/** A JPEG of noise: about one byte for each pixel. */
export async function noisePicture(side: number): Promise<Buffer> {
  const raw = { width: side, height: side, channels: 3 } as const;
  return sharp(randomBytes(3 * side * side), { raw })
    .jpeg({ quality: 80 })
    .toBuffer();
}

export async function servePicture(picture: Buffer): Promise<PictureServer> {
  const served = { picture };
  const server = createServer((_request, response) => response.end(served.picture));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/snapshot.jpg`);
  return Object.assign(served, {
    url,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  });
}
