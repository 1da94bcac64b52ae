import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { demoFrame, fixture } from '../../fixtures';

/** A camera's picture, 640 × 480. */
export const porch = readFileSync(demoFrame('frame_05_porch_day.jpg'));

export function picture(name: string): Buffer {
  return readFileSync(fixture('pictures', name));
}

/** Small JPEGs of the kinds that cameras and programs write. */
export async function sampleJpegs() {
  const small = sharp(porch).resize(97, 61, { fit: 'fill' });
  return {
    baseline: await small.clone().jpeg().toBuffer(),
    full: await small.clone().jpeg({ chromaSubsampling: '4:4:4' }).toBuffer(),
    grey: await small.clone().greyscale().toColourspace('b-w').jpeg().toBuffer(),
    progressive: await small.clone().jpeg({ progressive: true }).toBuffer(),
    restarts: picture('restart-markers.jpg'),
    ffmpeg: picture('from-ffmpeg.jpg'),
  };
}

export type SampleName = keyof Awaited<ReturnType<typeof sampleJpegs>>;

/** Segments of a JPEG, each with its marker and, for a scan, its data. */
export function segments(jpeg: Uint8Array): Buffer[] {
  const bytes = Buffer.from(jpeg);
  const parts: Buffer[] = [];
  let at = 2;
  while (bytes[at + 1] !== 0xd9) {
    const start = at;
    const code = bytes[at + 1];
    at += 2 + bytes.readUInt16BE(at + 2);
    const isEnd = (byte: number | undefined): boolean =>
      byte !== undefined && byte !== 0 && !(byte >= 0xd0 && byte <= 0xd7);
    if (code === 0xda) while (bytes[at] !== 0xff || !isEnd(bytes[at + 1])) at++;
    parts.push(bytes.subarray(start, at));
  }
  return parts;
}

export function segment(code: number, data: Uint8Array): Buffer {
  const length = data.length + 2;
  return Buffer.concat([Buffer.of(0xff, code, length >> 8, length & 0xff), data]);
}
