import type { PictureFormat } from './recognise-picture';

/** An animated AVIF as its still picture: the decoder goes by its major brand (ISO/IEC 14496-12, 4.3). */
export function asStill(bytes: Uint8Array, format: PictureFormat): Uint8Array {
  if (format !== 'avif' || Buffer.from(bytes.subarray(8, 12)).toString('latin1') === 'avif') return bytes;
  const still = Buffer.from(bytes);
  still.write('avif', 8, 'latin1');
  return still;
}
